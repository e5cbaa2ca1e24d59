// What one photo looks like in the list.

function make(tag, className, text) {
  const node = document.createElement(tag);
  if (className) {
    node.className = className;
  }
  if (text !== undefined) {
    node.textContent = text;
  }
  return node;
}

// The scale from 0 to 100 with the interval and the score on it.
function makeTrack(photo) {
  const track = make("span", "track");
  if (photo.low !== undefined && photo.high !== undefined) {
    const band = make("i", "band");
    band.style.left = `${photo.low}%`;
    band.style.width = `${photo.high - photo.low}%`;
    band.style.background = colourOf(photo.score);
    track.append(band);
    track.title = `about 90 % of ratings lie between ${photo.low.toFixed(1)} and ${photo.high.toFixed(1)}`;
  }
  const dot = make("i", "dot");
  dot.style.left = `${photo.score}%`;
  dot.style.background = colourOf(photo.score);
  track.append(dot);
  if (photo.label !== undefined) {
    const label = make("i", "label-mark");
    label.style.left = `${photo.label}%`;
    track.append(label);
    track.title = `${track.title ? `${track.title}; ` : ""}MOS ${photo.label.toFixed(1)}`;
  }
  return track;
}

function makeStars(count) {
  const stars = make("span", "stars", starsOf(count));
  stars.title = plural(count, "star", "stars");
  return stars;
}

function makeFlaws(photo) {
  return photo.flaws.map(([name, strength]) => {
    const flaw = make("span", "flaw", name);
    flaw.title = `${name}: strength ${strength.toFixed(2)} of 1`;
    flaw.style.setProperty("--strength", strength);
    return flaw;
  });
}

function describe(photo) {
  return [
    photo.name,
    photo.score === null ? `no score: ${photo.error ?? ""}` : `score ${photo.score.toFixed(1)}`,
    photo.decision && DECISIONS[photo.decision],
    photo.stars !== undefined && plural(photo.stars, "star", "stars"),
    ...photo.flaws.map(([name]) => name),
  ]
    .filter(Boolean)
    .join(", ");
}

function makeFrame(photo) {
  const frame = make("div", "frame");
  if (photo.thumbnail) {
    const image = make("img");
    image.decoding = "async";
    image.alt = "";
    image.draggable = false;
    image.addEventListener("error", () => image.replaceWith(make("span", "missing", "no preview")));
    image.src = photo.thumbnail;
    frame.append(image);
  } else {
    frame.append(make("span", "missing", photo.score === null ? "cannot be read" : "no preview"));
  }
  if (photo.decision) {
    frame.append(make("span", `decision ${photo.decision}`, DECISIONS[photo.decision]));
  }
  if (photo.heatmap) {
    const mark = make("span", "has-map", "map");
    mark.title = "has a quality map: open the photo, then M";
    frame.append(mark);
  }
  return frame;
}

function makeCard(photo, threshold) {
  const card = make("div", "card");
  card.setAttribute("role", "option");
  card.setAttribute("aria-label", describe(photo));
  card.dataset.index = photo.index;
  card.tabIndex = -1;
  card.classList.toggle("below", isBelow(photo, threshold));
  card.classList.toggle("rejected", photo.decision === "reject");
  const info = make("div", "info");
  const first = make("div", "first");
  if (photo.score === null) {
    info.classList.add("failed");
    first.append(make("b", "score none-score", "–"));
  } else {
    first.append(make("b", "score", photo.score.toFixed(1)), makeTrack(photo));
  }
  if (photo.stars !== undefined) {
    first.append(makeStars(photo.stars));
  }
  const name = make("div", "name", photo.name);
  name.title = photo.path;
  const tags = make("div", "tags");
  tags.append(...makeFlaws(photo));
  if (photo.score === null) {
    const error = make("span", "error", photo.error ?? "");
    error.title = photo.error ?? "";
    tags.append(error);
  } else if (photo.flaws.length === 0) {
    tags.append(make("span", "facts", factsOf(photo)));
  }
  info.append(first, name, tags);
  card.append(makeFrame(photo), info);
  return card;
}

const factsOf = (photo) =>
  photo.label === undefined ? (photo.time ?? sizeOf(photo)) : `MOS ${photo.label.toFixed(1)}`;

const sizeOf = (photo) => (photo.width ? `${photo.width} × ${photo.height}` : "");
