"use strict";

// What is asked now, as the server tells it; null until it has told.
let state = null;
let waiting = false;

const element = (id) => document.getElementById(id);

function show(next) {
  state = next;
  const names = state.names || [];
  element("problem").textContent = "";
  element("progress").textContent = `${state.done} answers, question ${
    Math.min(state.place + 1, state.questions)} of ${state.questions}`;
  element("ask").textContent = !names.length
    ? "That was the last question. Every answer is in the table: close this page, and end biqa with Ctrl-C."
    : names.length === 1
      ? `How good is this photo? ${state.allowed[0]} is the worst, ${state.allowed.at(-1)} the best.`
      : "Which photo is better?";
  element("photos").replaceChildren(...names.map((name, which) => {
    const figure = document.createElement("figure");
    const image = document.createElement("img");
    image.alt = `photo ${which + 1}`;
    image.src = `photo/${state.place}/${which}`;
    image.onerror = () => { element("problem").textContent = "A photo cannot be shown: skip it."; };
    const caption = document.createElement("figcaption");
    caption.textContent = name;
    figure.append(image, caption);
    return figure;
  }));
  element("answers").replaceChildren(...(names.length ? state.allowed : []).map((answer) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = answer;
    button.onclick = () => give(answer);
    return button;
  }));
  element("skip").disabled = !names.length;
}

async function give(answer) {
  if (waiting || !state) return;
  waiting = true;
  try {
    const said = await fetch("answer", {
      method: "POST",
      body: JSON.stringify({ place: state.place, answer }),
    });
    if (said.ok) show(await said.json());
    else element("problem").textContent = await said.text();
  } catch {
    element("problem").textContent = "biqa does not answer: has it ended?";
  } finally {
    waiting = false;
  }
}

element("skip").onclick = () => give("skip");
element("back").onclick = () => give("back");
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || !state) return;
  if (event.key === "s" && state.names) give("skip");
  else if (event.key === "b") give("back");
  else if (state.names && state.allowed.includes(event.key)) give(event.key);
});
fetch("state").then((said) => said.json()).then(show);
