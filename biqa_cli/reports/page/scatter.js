// What people said over what the model says, a point a photo.

function drawScatter(root, photos, open) {
  const seen = photos.filter((photo) => photo.score !== null && photo.label !== undefined);
  const plot = svg("svg", { viewBox: "-12 -4 116 118", role: "img", "aria-label": "Ratings of people over scores" });
  for (const tick of [0, 25, 50, 75, 100]) {
    plot.append(
      svg("line", { class: "grid", x1: tick, x2: tick, y1: 0, y2: 100 }),
      svg("line", { class: "grid", x1: 0, x2: 100, y1: tick, y2: tick }),
      svg("text", { x: tick, y: 105, "text-anchor": "middle" }, String(tick)),
      svg("text", { x: -2, y: 101.5 - tick, "text-anchor": "end" }, String(tick)),
    );
  }
  plot.append(
    svg("line", { class: "equal", x1: 0, y1: 100, x2: 100, y2: 0 }),
    svg("text", { x: 50, y: 111, "text-anchor": "middle" }, "score"),
    svg("text", { x: -50, y: -9, transform: "rotate(-90)", "text-anchor": "middle" }, "MOS, 0 to 100"),
  );
  for (const photo of seen) {
    const point = svg("circle", { cx: photo.score, cy: 100 - photo.label, r: 1.1, fill: colourOf(photo.score) });
    point.dataset.index = photo.index;
    plot.append(point);
  }
  const preview = make("figcaption", "preview", "Point at a photo; click to open it.");
  const photoAt = (event) => PHOTOS[event.target.dataset?.index];
  plot.addEventListener("pointerover", (event) => {
    const photo = photoAt(event);
    if (photo) {
      const image = make("img");
      image.alt = "";
      image.src = photo.thumbnail ?? "";
      image.hidden = !photo.thumbnail;
      preview.replaceChildren(
        image,
        make("b", "", photo.name),
        make("span", "", `score ${photo.score.toFixed(1)}, MOS ${photo.label.toFixed(1)}`),
      );
    }
  });
  plot.addEventListener("click", (event) => {
    const photo = photoAt(event);
    if (photo) {
      open(photo);
    }
  });
  root.replaceChildren(plot, preview);
  root.hidden = seen.length === 0;
}
