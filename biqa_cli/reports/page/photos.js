// The photos as data: which are shown, and in which order. Nothing here touches the page.

const DATA = JSON.parse(document.getElementById("data").textContent);

const PHOTOS = DATA.photos.map((facts, index) => ({
  flaws: [],
  score: null,
  ...facts,
  index,
  searched: facts.path.toLowerCase(),
}));

const has = (field) => PHOTOS.some((photo) => photo[field] !== undefined && photo[field] !== null);

const byName = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

// Each key: its label, whether the largest comes first, and the number or text to sort by.
const SORTS = {
  listed: { label: "as listed", value: (photo) => photo.index },
  score: { label: "score", descending: true, value: (photo) => photo.score },
  time: { label: "time", value: (photo) => photo.moment },
  name: { label: "name", value: (photo) => photo.path },
  rank: { label: "rank in group", value: (photo) => photo.rank },
  residual: {
    label: "distance from MOS",
    descending: true,
    value: (photo) =>
      photo.label === undefined || photo.score === null ? null : Math.abs(photo.score - photo.label),
  },
};

function availableSorts() {
  const needs = { time: "time", rank: "rank", residual: "label" };
  return Object.keys(SORTS).filter((key) => !needs[key] || has(needs[key]));
}

// Photos without a value come last in either direction.
function sorted(photos, key, descending) {
  const value = SORTS[key].value;
  const sign = descending ? -1 : 1;
  return [...photos].sort((one, other) => {
    const a = value(one) ?? null;
    const b = value(other) ?? null;
    if (a === null || b === null) {
      return (a === null) - (b === null) || one.index - other.index;
    }
    const order = typeof a === "string" ? byName.compare(a, b) : a - b;
    return sign * order || one.index - other.index;
  });
}

// Choices of one kind add up, kinds restrict each other.
function matches(photo, filter) {
  const { text, decisions, flaws, errors } = filter;
  return (
    (!text || photo.searched.includes(text)) &&
    (decisions.size === 0 || decisions.has(photo.decision)) &&
    (flaws.size === 0 || photo.flaws.some(([name]) => flaws.has(name))) &&
    (!errors || photo.score === null)
  );
}

const isBelow = (photo, threshold) => photo.score !== null && photo.score < threshold;

// Lists of photos that stand together: groups in the order of their first photos.
function inGroups(photos, grouped) {
  if (!grouped) {
    return photos.map((photo) => [photo]);
  }
  const found = new Map();
  for (const photo of photos) {
    const key = photo.group ?? `alone ${photo.index}`;
    if (found.has(key)) {
      found.get(key).push(photo);
    } else {
      found.set(key, [photo]);
    }
  }
  return [...found.values()];
}

const GROUPS = new Map();
for (const photo of PHOTOS) {
  if (photo.group !== undefined) {
    GROUPS.set(photo.group, [...(GROUPS.get(photo.group) ?? []), photo]);
  }
}

// The photos of the same moment, in the order of their ranks.
function framesOf(photo) {
  const frames = GROUPS.get(photo.group) ?? [photo];
  return sorted(frames, has("rank") ? "rank" : "listed", false);
}

function colourOf(score) {
  const at = (Math.min(Math.max(score, 0), 100) / 100) * (DATA.colours.length - 1);
  const low = Math.floor(at);
  const high = Math.min(low + 1, DATA.colours.length - 1);
  const mixed = DATA.colours[low].map((value, channel) =>
    Math.round(value + (DATA.colours[high][channel] - value) * (at - low)),
  );
  return `rgb(${mixed.join(" ")})`;
}

const DECISIONS = { pick: "Pick", keep: "Keep", reject: "Reject" };

const starsOf = (count) => "★".repeat(count) + "☆".repeat(5 - count);

// The name of a file, as programs open it: of what is shown, characters may be escaped.
const fileOf = (photo) => photo.file ?? photo.path;

// Names are bytes: those that are not UTF-8 come as halves of surrogate pairs, as Python has them.
function bytesOf(text) {
  const parts = text.split(/([\udc80-\udcff])/);
  const encoder = new TextEncoder();
  return parts.map((part, at) => (at % 2 ? Uint8Array.of(part.charCodeAt(0) - 0xdc00) : encoder.encode(part)));
}

// One per line; where a name has a line break, with NUL behind each, as `-0` reads them.
function listOf(names) {
  const separated = names.some((name) => /[\r\n]/.test(name));
  return { separated, parts: names.flatMap((name) => [...bytesOf(name), separated ? "\0" : "\n"]) };
}

const isText = (name) => !/[\r\n\udc80-\udcff]/.test(name);

const plural = (count, one, more) => `${count.toLocaleString("en")} ${count === 1 ? one : more}`;
