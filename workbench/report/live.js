// Renews the dashboard's cards and pictures while somebody looks at it.
"use strict";
const SECONDS = 10;
const state = document.getElementById("state");
let last = {};

function place(data) {
  const main = document.getElementById("cards");
  const fresh = document.createElement("template");
  fresh.innerHTML = data.cards;
  for (const card of [...fresh.content.children]) {
    const known = document.getElementById(card.id);
    if (!known || card.id in last === false) continue;
    if (last[card.id] === card.outerHTML) card.replaceWith(known);  // keeps what is drawn
    else {
      const before = known.querySelector(".picture"), after = card.querySelector(".picture");
      if (before && after) after.replaceWith(before);
    }
  }
  const unchanged = document.createElement("template");
  unchanged.innerHTML = data.cards;
  last = Object.fromEntries([...unchanged.content.children].map((c) => [c.id, c.outerHTML]));
  main.replaceChildren(...fresh.content.children);
  document.getElementById("headline").textContent = data.headline;
  drawAll(data.figures);
  state.textContent = "As of " + data.made_at.slice(11, 19) + " UTC, renewed every " + SECONDS + " s.";
  document.body.dataset.drawn = data.made_at;
}

async function renew() {
  if (document.hidden && document.body.dataset.drawn) return;
  const { task, days } = document.body.dataset;
  try {
    const answer = await fetch("/dashboard/data/" + encodeURIComponent(task) + "?days=" + days);
    if (!answer.ok) throw new Error((await answer.json()).detail);
    place(await answer.json());
  } catch (error) {
    state.textContent = "Not renewed: " + error.message;
  }
}

renew().finally(() => setInterval(renew, SECONDS * 1000));
document.addEventListener("visibilitychange", renew);
