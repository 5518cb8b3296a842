"""Files of JSON lines of any size: found, filtered and sorted line by line, in little memory."""
