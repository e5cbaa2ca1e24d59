// The controls: what they say decides which photos the list shows.

const $ = (id) => document.getElementById(id);

const filter = { text: "", decisions: new Set(), flaws: new Set(), errors: false };

let toastEnds = 0;
function toast(text) {
  const shown = document.querySelector("dialog[open]") ?? document.body;
  shown.append($("toast"));
  $("toast").textContent = text;
  $("toast").hidden = false;
  clearTimeout(toastEnds);
  toastEnds = setTimeout(() => {
    $("toast").hidden = true;
  }, 2500);
}

async function copyText(text, done) {
  try {
    await navigator.clipboard.writeText(text);
    toast(done);
  } catch {
    toast("The browser does not let this page copy.");
  }
}

const threshold = () => Number($("threshold").value);
let filtered = [];
let scores = [];

const list = createList($("photos"), { threshold, open: (photo) => lightbox.open(photo) });
const lightbox = createLightbox({
  order: list.order,
  closed: (photo) => list.choose(photo),
});

function applyFilters() {
  filtered = PHOTOS.filter((photo) => matches(photo, filter));
  scores = filtered.flatMap((photo) => (photo.score === null ? [] : [photo.score])).sort((a, b) => a - b);
  drawHistogram($("histogram"), filtered);
  applyThreshold({ all: true });
}

function applyThreshold({ all = false } = {}) {
  const least = threshold();
  const below = countBelow(scores, least);
  const counts = $("counts");
  counts.replaceChildren(
    make("b", "", (scores.length - below).toLocaleString("en")),
    ` at or above ${least} · `,
    make("b", "", below.toLocaleString("en")),
    " below",
  );
  showThreshold($("histogram"), least);
  if (all || $("hide-below").checked) {
    arrange();
  } else {
    list.dim();
  }
}

// Where the threshold would stand among scores in ascending order.
function countBelow(ascending, least) {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ascending[middle] < least) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

function arrange() {
  const key = $("sort").value;
  const descending = $("direction").dataset.descending === "true";
  const visible = $("hide-below").checked
    ? filtered.filter((photo) => photo.score !== null && !isBelow(photo, threshold()))
    : filtered;
  const grouped = GROUPS.size > 0 && $("grouped").checked;
  list.show(inGroups(sorted(visible, key, descending), grouped));
  $("none").hidden = visible.length > 0;
  const all = visible.length === PHOTOS.length;
  const total = plural(PHOTOS.length, "photo", "photos");
  $("shown").textContent = all ? `${total} shown` : `${visible.length.toLocaleString("en")} of ${total} shown`;
  $("reset").hidden = all;
}

function setDirection(descending) {
  $("direction").dataset.descending = descending;
  $("direction").textContent = descending ? "↓" : "↑";
}

function addChip(text, count, { pressed, toggle, kind }) {
  const chip = make("button", `chip ${kind}`, text);
  chip.type = "button";
  chip.append(make("span", "chip-count", count.toLocaleString("en")));
  chip.setAttribute("aria-pressed", false);
  chip.addEventListener("click", () => {
    toggle();
    chip.setAttribute("aria-pressed", pressed());
    applyFilters();
  });
  $("chips").append(chip);
}

function toggleIn(set, value) {
  if (!set.delete(value)) {
    set.add(value);
  }
}

function addChips() {
  for (const [decision, label] of Object.entries(DECISIONS)) {
    const count = PHOTOS.filter((photo) => photo.decision === decision).length;
    if (count) {
      addChip(label, count, {
        kind: decision,
        pressed: () => filter.decisions.has(decision),
        toggle: () => toggleIn(filter.decisions, decision),
      });
    }
  }
  const flaws = new Map();
  for (const [name] of PHOTOS.flatMap((photo) => photo.flaws)) {
    flaws.set(name, (flaws.get(name) ?? 0) + 1);
  }
  for (const [name, count] of [...flaws].sort((one, other) => other[1] - one[1])) {
    addChip(name, count, {
      kind: "flaw-chip",
      pressed: () => filter.flaws.has(name),
      toggle: () => toggleIn(filter.flaws, name),
    });
  }
  const failed = PHOTOS.filter((photo) => photo.score === null).length;
  if (failed) {
    addChip("without score", failed, {
      kind: "error-chip",
      pressed: () => filter.errors,
      toggle: () => {
        filter.errors = !filter.errors;
      },
    });
  }
  $("chips").hidden = $("chips").children.length === 0;
}

function resetFilters() {
  filter.text = $("search").value = "";
  filter.decisions.clear();
  filter.flaws.clear();
  filter.errors = false;
  $("hide-below").checked = false;
  for (const chip of $("chips").children) {
    chip.setAttribute("aria-pressed", false);
  }
  applyFilters();
}

// The theme of the system, until somebody chooses; browsers may keep nothing for a file.
function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  $("theme").textContent = theme === "dark" ? "Light" : "Dark";
  $("theme").title = theme === "dark" ? "Light colours" : "Dark colours";
  try {
    localStorage.setItem("biqa-theme", theme);
  } catch {
    // The choice lasts as long as the page.
  }
}

function firstTheme() {
  let kept = null;
  try {
    kept = localStorage.getItem("biqa-theme");
  } catch {
    // As above.
  }
  return kept ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
}

function saveNames(names) {
  const { separated, parts } = listOf(names);
  const link = make("a");
  link.href = URL.createObjectURL(new Blob(parts, { type: "text/plain" }));
  link.download = "names.txt";
  link.click();
  URL.revokeObjectURL(link.href);
  if (separated) {
    toast("A name has a line break: read this file with --files-from names.txt -0");
  }
}

function copyNames(names) {
  const texts = names.filter(isText);
  const left = names.length - texts.length;
  const done = `${plural(texts.length, "name is", "names are")} copied.`;
  copyText(texts.join("\n"), left ? `${done} ${plural(left, "name is", "names are")} no text: use Save names.` : done);
}

function summarise() {
  const failed = PHOTOS.filter((photo) => photo.score === null).length;
  const bursts = [...GROUPS.values()].filter((group) => group.length > 1).length;
  const parts = [
    plural(PHOTOS.length, "photo", "photos"),
    bursts && plural(bursts, "group", "groups"),
    failed && `${failed.toLocaleString("en")} without score`,
    DATA.model,
  ];
  $("summary").textContent = parts.filter(Boolean).join(" · ");
}

function nudge(by) {
  $("threshold").value = threshold() + by;
  applyThreshold();
}

const names = () => list.order().map(fileOf);
const KEYS = {
  "/": () => $("search").focus(),
  "?": () => $("keys").showModal(),
  "[": () => nudge(-1),
  "]": () => nudge(1),
};

$("threshold").value = DATA.threshold ?? 0;
for (const key of availableSorts()) {
  const option = make("option", "", SORTS[key].label);
  option.value = key;
  $("sort").append(option);
}
$("sort").value = has("label") ? "residual" : GROUPS.size ? "listed" : "score";
setDirection(Boolean(SORTS[$("sort").value].descending));
$("grouped-label").hidden = GROUPS.size === 0;
if ($("scatter")) {
  drawScatter($("scatter"), PHOTOS, (photo) => lightbox.open(photo));
}
addChips();
summarise();
setTheme(firstTheme());

$("search").addEventListener("input", () => {
  filter.text = $("search").value.trim().toLowerCase();
  applyFilters();
});
$("sort").addEventListener("change", () => {
  setDirection(Boolean(SORTS[$("sort").value].descending));
  arrange();
});
$("direction").addEventListener("click", () => {
  setDirection($("direction").dataset.descending !== "true");
  arrange();
});
$("grouped").addEventListener("change", arrange);
$("hide-below").addEventListener("change", arrange);
$("threshold").addEventListener("input", () => applyThreshold());
$("reset").addEventListener("click", resetFilters);
$("copy").addEventListener("click", () => copyNames(names()));
$("save").addEventListener("click", () => saveNames(names()));
$("theme").addEventListener("click", () =>
  setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark"),
);
$("about-button").addEventListener("click", () => $("about").showModal());
$("keys-button").addEventListener("click", () => $("keys").showModal());
for (const sheet of document.querySelectorAll(".sheet")) {
  // A click beside a sheet is a click on its dialog.
  sheet.addEventListener("click", (event) => event.target === sheet && sheet.close());
}
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input[type=search], select");
  const act = KEYS[event.key];
  if (document.querySelector("dialog[open]")) {
    return;
  }
  if (act && !typing) {
    act();
    event.preventDefault();
  } else if (event.target === document.body) {
    // Nothing has the focus: when the page has just opened, or what had it is filtered out.
    list.key(event, { unfocused: true });
  }
});
new ResizeObserver(() => arrange()).observe($("photos").parentElement);
applyFilters();
