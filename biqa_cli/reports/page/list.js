// The list of photos: only the rows near the window are in the page, however many there are.

const GAP = 14;
const INFO_HEIGHT = 88;
const STRIP_HEIGHT = 30;
const SCREENS_AHEAD = 0.75;

function createList(root, { threshold, open }) {
  let rows = [];
  let order = [];
  let placed = new Map();
  let columns = 1;
  let frameHeight = 1;
  let current = null;
  let asked = false;
  const live = new Map();
  const controls = document.querySelector(".controls");

  // Groups stand side by side; one that does not fit beside others begins a row, unless no row has
  // room for it.
  function place(groups) {
    rows = [{ cells: [], strips: [] }];
    let used = 0;
    const begin = () => {
      rows.push({ cells: [], strips: [] });
      used = 0;
    };
    for (const group of groups) {
      const room = columns - used;
      if (used > 0 && group.length > room && (group.length <= columns || room < 2)) {
        begin();
      }
      for (let start = 0; start < group.length; ) {
        if (used === columns) {
          begin();
        }
        const part = group.slice(start, start + columns - used);
        const row = rows[rows.length - 1];
        if (group.length > 1) {
          row.strips.push({ column: used, span: part.length, group, continued: start > 0 });
        }
        part.forEach((photo, offset) => row.cells.push({ photo, column: used + offset }));
        used += part.length;
        start += part.length;
      }
    }
    let top = 0;
    for (const row of rows) {
      row.top = top;
      row.height = (row.strips.length ? STRIP_HEIGHT : 0) + frameHeight + INFO_HEIGHT + GAP;
      top += row.height;
    }
    order = [];
    placed = new Map();
    rows.forEach((row, number) =>
      row.cells.forEach((cell) => {
        placed.set(cell.photo.index, { row: number, column: cell.column, at: order.length });
        order.push(cell.photo);
      }),
    );
  }

  function show(groups) {
    const width = root.clientWidth;
    const least = width < 560 ? 150 : 210;
    columns = Math.max(1, Math.floor((width + GAP) / (least + GAP)));
    const card = (width - GAP * (columns - 1)) / columns;
    frameHeight = Math.round((card * 2) / 3);
    place(groups);
    const last = rows[rows.length - 1];
    root.style.setProperty("--card", `${card}px`);
    root.style.setProperty("--frame", `${frameHeight}px`);
    root.style.setProperty("--columns", columns);
    root.style.height = `${order.length ? last.top + last.height - GAP : 0}px`;
    live.clear();
    root.replaceChildren();
    if (!placed.has(current?.index)) {
      current = order[0] ?? null;
    }
    draw();
  }

  function makeRow(number) {
    const row = make("div", rows[number].strips.length ? "row with-strips" : "row");
    row.setAttribute("role", "presentation");
    row.style.transform = `translateY(${rows[number].top}px)`;
    for (const { column, span, group, continued } of rows[number].strips) {
      const strip = make("div", "group");
      strip.style.gridColumn = `${column + 1} / span ${span}`;
      const label = `Group ${group[0].group}`;
      strip.append(make("span", "", continued ? `${label}, continued` : label));
      if (!continued && span > 1) {
        strip.append(make("span", "group-facts", `${group.length} photos`));
      }
      row.append(strip);
    }
    for (const { photo, column } of rows[number].cells) {
      const card = makeCard(photo, threshold());
      card.style.gridColumn = column + 1;
      card.setAttribute("aria-posinset", placed.get(photo.index).at + 1);
      card.setAttribute("aria-setsize", order.length);
      mark(card, photo === current);
      row.append(card);
    }
    return row;
  }

  function mark(card, isCurrent) {
    card.tabIndex = isCurrent ? 0 : -1;
    card.setAttribute("aria-selected", isCurrent);
  }

  // The last row that begins at or above a place, by halving.
  function rowAt(place) {
    let low = 0;
    let high = rows.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (rows[middle].top <= place) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    return low;
  }

  function draw() {
    const top = -root.getBoundingClientRect().top;
    const ahead = window.innerHeight * SCREENS_AHEAD;
    const first = rowAt(top - ahead);
    const last = rowAt(top + window.innerHeight + ahead);
    for (const [number, row] of live) {
      const holdsFocus = row.contains(document.activeElement);
      if ((number < first || number > last) && !holdsFocus) {
        row.remove();
        live.delete(number);
      }
    }
    for (let number = first; number <= last && order.length > 0; number += 1) {
      if (!live.has(number)) {
        const row = makeRow(number);
        live.set(number, row);
        // In the order of reading, for those who hear the page.
        const after = [...live.keys()].filter((other) => other > number);
        root.insertBefore(row, after.length ? live.get(Math.min(...after)) : null);
      }
    }
  }

  function drawSoon() {
    if (!asked) {
      asked = true;
      requestAnimationFrame(() => {
        asked = false;
        draw();
      });
    }
  }

  const cardOf = (photo) => root.querySelector(`[data-index="${photo.index}"]`);

  function choose(photo, { focus = true } = {}) {
    const spot = placed.get(photo.index);
    if (!spot) {
      return;
    }
    const before = current && cardOf(current);
    if (before) {
      mark(before, false);
    }
    current = photo;
    const row = rows[spot.row];
    const top = root.getBoundingClientRect().top + window.scrollY + row.top;
    const hidden = getComputedStyle(controls).position === "sticky" ? controls.offsetHeight : 0;
    if (top < window.scrollY + hidden + GAP) {
      window.scrollTo(0, top - hidden - GAP);
    } else if (top + row.height > window.scrollY + window.innerHeight) {
      window.scrollTo(0, top + row.height - window.innerHeight);
    }
    draw();
    const card = cardOf(photo);
    mark(card, true);
    if (focus) {
      card.focus({ preventScroll: true });
    }
  }

  function step(key) {
    const { row, column, at } = placed.get(current.index);
    if (key === "ArrowLeft" || key === "ArrowRight") {
      return order[at + (key === "ArrowLeft" ? -1 : 1)];
    }
    if (key === "Home" || key === "End") {
      return order[key === "Home" ? 0 : order.length - 1];
    }
    const cells = rows[row + (key === "ArrowUp" ? -1 : 1)]?.cells ?? [];
    return cells.findLast((cell) => cell.column <= column)?.photo ?? cells[0]?.photo;
  }

  // Without the focus, the first arrow shows which photo is chosen, and Space scrolls the page.
  function key(event, { unfocused = false } = {}) {
    if (event.ctrlKey || event.altKey || event.metaKey || current === null) {
      return;
    }
    if (event.key === "Enter" || (event.key === " " && !unfocused)) {
      open(current);
    } else if (/^(Arrow(Left|Right|Up|Down)|Home|End)$/.test(event.key)) {
      const next = unfocused && event.key.startsWith("Arrow") ? current : step(event.key);
      if (next) {
        choose(next);
      }
    } else {
      return;
    }
    event.preventDefault();
  }

  root.addEventListener("keydown", (event) => key(event));
  root.addEventListener("click", (event) => {
    const card = event.target.closest(".card");
    if (card) {
      choose(PHOTOS[card.dataset.index]);
      open(current);
    }
  });
  window.addEventListener("scroll", drawSoon, { passive: true });

  return {
    show,
    choose,
    key,
    order: () => order,
    dim() {
      for (const card of root.querySelectorAll(".card")) {
        card.classList.toggle("below", isBelow(PHOTOS[card.dataset.index], threshold()));
      }
    },
  };
}
