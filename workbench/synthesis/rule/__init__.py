"""Rules a person can read, induced from examples: decision lists, trees and point scores."""
