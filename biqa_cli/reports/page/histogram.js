// How the scores are distributed, above the slider.

const SVG = "http://www.w3.org/2000/svg";

function svg(name, attributes, ...children) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) {
    node.setAttribute(key, value);
  }
  node.append(...children);
  return node;
}

function drawHistogram(root, photos) {
  const scores = photos.map((photo) => photo.score).filter((score) => score !== null);
  const bins = scores.length > 400 ? 50 : 25;
  const counts = new Array(bins).fill(0);
  for (const score of scores) {
    counts[Math.min(bins - 1, Math.floor((score / 100) * bins))] += 1;
  }
  const most = Math.max(1, ...counts);
  const width = 100 / bins;
  root.replaceChildren(
    ...counts.flatMap((count, bin) => {
      if (count === 0) {
        return [];
      }
      const height = 2 + (count / most) * 38;
      const bar = svg("rect", {
        x: bin * width + width * 0.08,
        y: 40 - height,
        width: width * 0.84,
        height,
        fill: colourOf((bin + 0.5) * width),
      });
      bar.dataset.end = (bin + 1) * width;
      bar.append(svg("title", {}, `${bin * width}–${(bin + 1) * width}: ${plural(count, "photo", "photos")}`));
      return [bar];
    }),
  );
}

// Bars below the threshold fade; a line stands at it.
function showThreshold(root, threshold) {
  for (const bar of root.querySelectorAll("rect")) {
    bar.classList.toggle("below", Number(bar.dataset.end) <= threshold);
  }
  root.querySelector("line")?.remove();
  root.append(svg("line", { x1: threshold, x2: threshold, y1: 0, y2: 40 }));
}
