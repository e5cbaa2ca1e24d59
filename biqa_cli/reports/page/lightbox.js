// One photo in the whole window, or two frames side by side: both show the same part.

const ZOOMS = [0, 1, 2];
// A drag of fewer pixels is a click.
const CLICK = 5;

function createLightbox({ order, closed }) {
  const get = (id) => document.getElementById(id);
  const dialog = get("lightbox");
  const stage = get("stage");
  const panes = [makePane(), makePane()];
  let comparing = false;
  let active = 0;
  // 0 fits the window; else pixels of the screen for one of the photo.
  let zoom = 0;
  let centre = { x: 0.5, y: 0.5 };
  let showsMap = false;

  const shown = () => (comparing ? panes : panes.slice(0, 1));
  const photo = () => panes[active].photo;

  function makePane() {
    const root = make("div", "pane");
    const view = make("div", "view");
    const picture = make("div", "picture");
    const image = make("img", "photo");
    const map = make("img", "map");
    const message = make("p", "message");
    image.draggable = map.draggable = false;
    map.alt = "";
    picture.append(image, map);
    view.append(picture, message);
    const caption = make("div", "caption");
    root.append(view, caption);
    return { root, view, picture, image, map, message, caption, photo: null };
  }

  function load(pane, next) {
    pane.photo = next;
    pane.image.alt = next.name;
    pane.message.textContent = "";
    pane.image.hidden = !next.thumbnail;
    if (next.thumbnail) {
      pane.image.src = next.thumbnail;
    }
    if (!next.photo) {
      pane.message.textContent = next.error || "There is no picture of this photo.";
    } else {
      const whole = new Image();
      whole.addEventListener("load", () => {
        if (pane.photo === next) {
          pane.image.hidden = false;
          pane.image.src = whole.src;
          pane.message.textContent = next.rendered
            ? `Browsers do not show this format. This is a JPEG of it, ${whole.naturalWidth} × ${whole.naturalHeight}.`
            : "";
          layOut();
        }
      });
      whole.addEventListener("error", () => {
        if (pane.photo === next) {
          pane.message.textContent = `The file is not where it was, ${next.path}. This is its thumbnail.`;
        }
      });
      whole.src = next.photo;
    }
    pane.map.hidden = !(showsMap && next.heatmap);
    if (!pane.map.hidden) {
      pane.map.src = next.heatmap;
    }
    describePane(pane);
  }

  function describePane(pane) {
    const about = pane.photo;
    const first = make("div", "first");
    if (about.score === null) {
      first.append(make("b", "score none-score", "–"));
    } else {
      first.append(make("b", "score", about.score.toFixed(1)), makeTrack(about));
    }
    if (about.decision) {
      first.append(make("span", `decision ${about.decision}`, DECISIONS[about.decision]));
    }
    if (about.stars !== undefined) {
      first.append(makeStars(about.stars));
    }
    for (const [name, strength] of about.flaws) {
      first.append(make("span", "flaw", `${name} ${strength.toFixed(2)}`));
    }
    const name = make("div", "name");
    name.append(make("b", "", about.name), make("span", "scale"));
    name.title = about.path;
    const facts = [
      about.low !== undefined && `90 % of ratings: ${about.low.toFixed(0)} to ${about.high.toFixed(0)}`,
      about.label !== undefined && `MOS ${about.label.toFixed(1)}`,
      about.rank !== undefined && GROUPS.get(about.group)?.length > 1 && `no. ${about.rank} of group ${about.group}`,
      sizeOf(about),
      about.time,
      about.note,
    ].filter(Boolean);
    const rest = [make("div", "facts", facts.join(" · "))];
    if (about.reason) {
      rest.unshift(make("div", "reason", about.reason));
    }
    pane.caption.replaceChildren(first, name, ...rest);
  }

  function layOut() {
    for (const pane of shown()) {
      const box = pane.view.getBoundingClientRect();
      const width = pane.photo.width ?? pane.image.naturalWidth;
      const height = pane.photo.height ?? pane.image.naturalHeight;
      if (!width || !height) {
        continue;
      }
      // A small photo is not enlarged: that would show flaws that it does not have.
      const fit = Math.min(box.width / width, box.height / height, 1);
      const scale = zoom === 0 ? fit : zoom / window.devicePixelRatio;
      const size = { x: width * scale, y: height * scale };
      const style = pane.picture.style;
      style.width = `${size.x}px`;
      style.height = `${size.y}px`;
      style.left = `${offset(size.x, box.width, centre.x)}px`;
      style.top = `${offset(size.y, box.height, centre.y)}px`;
      pane.picture.classList.toggle("enlarged", zoom > 1);
      pane.view.classList.toggle("can-pan", size.x > box.width + 1 || size.y > box.height + 1);
      const percent = Math.round(scale * window.devicePixelRatio * 100);
      pane.caption.querySelector(".scale").textContent = `shown at ${percent} %`;
    }
  }

  function offset(size, room, at) {
    return size <= room ? (room - size) / 2 : Math.min(0, Math.max(room - size, room / 2 - at * size));
  }

  // The part that is in the middle, kept within what the larger picture lets see.
  function moveTo(x, y) {
    const pane = panes[active];
    const box = pane.view.getBoundingClientRect();
    const size = pane.picture.getBoundingClientRect();
    const within = (at, whole, room) => {
      const margin = Math.min(0.5, room / 2 / whole);
      return Math.min(1 - margin, Math.max(margin, at));
    };
    centre = { x: within(x, size.width, box.width), y: within(y, size.height, box.height) };
    layOut();
  }

  function setZoom(next, at = centre) {
    zoom = next;
    layOut();
    moveTo(at.x, at.y);
    for (const button of dialog.querySelectorAll("[data-zoom]")) {
      button.setAttribute("aria-pressed", Number(button.dataset.zoom) === zoom);
    }
  }

  function pointOf(pane, event) {
    const box = pane.picture.getBoundingClientRect();
    return { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height };
  }

  function followPointer(pane, number) {
    let start = null;
    pane.view.addEventListener("pointerdown", (event) => {
      if (event.button === 0 && !event.target.closest(".turn")) {
        activate(number);
        start = { x: event.clientX, y: event.clientY, centre, moved: false };
        pane.view.setPointerCapture(event.pointerId);
      }
    });
    pane.view.addEventListener("pointermove", (event) => {
      if (!start) {
        return;
      }
      const [x, y] = [event.clientX - start.x, event.clientY - start.y];
      start.moved ||= Math.hypot(x, y) > CLICK;
      if (start.moved) {
        const box = pane.picture.getBoundingClientRect();
        moveTo(start.centre.x - x / box.width, start.centre.y - y / box.height);
      }
    });
    pane.view.addEventListener("pointerup", (event) => {
      if (start && !start.moved) {
        setZoom(zoom === 0 ? 1 : 0, pointOf(pane, event));
      }
      start = null;
    });
    pane.view.addEventListener("pointercancel", () => {
      start = null;
    });
    pane.caption.addEventListener("click", () => activate(number));
  }

  function activate(number) {
    active = comparing ? number : 0;
    panes.forEach((pane, at) => pane.root.classList.toggle("active", comparing && at === active));
    // On the picture that they change, so that they cover no caption.
    if (get("next").parentElement !== panes[active].view) {
      panes[active].view.append(get("previous"), get("next"));
    }
    drawBar();
  }

  function drawBar() {
    const list = order();
    const at = list.indexOf(photo());
    get("place").textContent = at < 0 ? "" : `${at + 1} of ${list.length}`;
    get("compare").setAttribute("aria-pressed", comparing);
    get("map").hidden = !PHOTOS.some((one) => one.heatmap);
    get("map").disabled = !photo().heatmap;
    get("map").setAttribute("aria-pressed", showsMap && Boolean(photo().heatmap));
    get("command").hidden = Boolean(photo().heatmap) || !photo().command;
    get("legend").hidden = !shown().some((pane) => showsMap && pane.photo.heatmap);
    drawStrip();
  }

  function drawStrip() {
    const frames = framesOf(photo());
    const strip = get("strip");
    strip.hidden = frames.length < 2;
    strip.replaceChildren(
      ...frames.map((frame) => {
        const button = make("button", "frame-button");
        button.type = "button";
        button.title = describe(frame);
        button.setAttribute("aria-label", describe(frame));
        const image = make("img");
        image.alt = "";
        image.src = frame.thumbnail ?? "";
        image.hidden = !frame.thumbnail;
        button.append(image, make("span", "", frame.score === null ? "–" : frame.score.toFixed(0)));
        const places = shown().flatMap((pane, number) => (pane.photo === frame ? [number] : []));
        button.classList.toggle("current", places.length > 0);
        button.classList.toggle("rejected", frame.decision === "reject");
        if (comparing && places.length) {
          button.append(make("i", "place-mark", places.map((number) => (number ? "right" : "left")).join(" ")));
        }
        button.addEventListener("click", () => change(frame));
        return button;
      }),
    );
    strip.querySelector(".current")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  function change(next) {
    load(panes[active], next);
    layOut();
    drawBar();
  }

  // One photo: through the list. Two: through the frames of the group, where there is one.
  function turn(by) {
    const frames = framesOf(photo());
    const list = comparing && frames.length > 1 ? frames : order();
    const next = list[list.indexOf(photo()) + by];
    if (next) {
      change(next);
      const after = list[list.indexOf(next) + by];
      if (after?.photo) {
        new Image().src = after.photo;
      }
    }
  }

  function compare(on) {
    if (on) {
      // The best other frame of the group; without a group, a neighbour.
      const list = order();
      const at = list.indexOf(photo());
      const other = framesOf(photo()).find((frame) => frame !== photo()) ?? list[at + 1] ?? list[at - 1];
      if (!other) {
        toast("There is no second photo to compare with.");
        return;
      }
      if (active === 1) {
        load(panes[0], photo());
      }
      comparing = true;
      stage.append(panes[1].root);
      load(panes[1], other);
      activate(1);
    } else {
      if (active === 1) {
        load(panes[0], photo());
      }
      comparing = false;
      panes[1].root.remove();
      activate(0);
    }
    stage.classList.toggle("two", comparing);
    layOut();
  }

  function showMap(on) {
    if (on && !photo().heatmap) {
      toast("This report has no quality map of this photo.");
      return;
    }
    showsMap = on;
    for (const pane of shown()) {
      pane.map.hidden = !(on && pane.photo.heatmap);
      if (!pane.map.hidden) {
        pane.map.src = pane.photo.heatmap;
      }
    }
    drawBar();
  }

  const KEYS = {
    ArrowLeft: () => turn(-1),
    ArrowRight: () => turn(1),
    z: () => setZoom(zoom === 0 ? 1 : 0),
    c: () => compare(!comparing),
    s: () => comparing && activate(1 - active),
    m: () => showMap(!showsMap),
  };

  stage.prepend(panes[0].root);
  panes.forEach(followPointer);
  dialog.addEventListener("keydown", (event) => {
    const act = KEYS[event.key] ?? KEYS[event.key.toLowerCase()];
    if (act && !event.ctrlKey && !event.altKey && !event.metaKey) {
      act();
      event.preventDefault();
    }
  });
  for (const button of dialog.querySelectorAll("[data-zoom]")) {
    button.addEventListener("click", () => setZoom(Number(button.dataset.zoom)));
  }
  get("compare").addEventListener("click", () => compare(!comparing));
  get("map").addEventListener("click", () => showMap(!showsMap));
  get("command").addEventListener("click", () => copyText(photo().command, "The command is copied."));
  get("previous").addEventListener("click", () => turn(-1));
  get("next").addEventListener("click", () => turn(1));
  get("close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => {
    document.documentElement.classList.remove("locked");
    closed(photo());
  });
  window.addEventListener("resize", () => dialog.open && layOut());

  return {
    open(first) {
      if (comparing) {
        compare(false);
      }
      centre = { x: 0.5, y: 0.5 };
      showsMap = false;
      document.documentElement.classList.add("locked");
      dialog.showModal();
      load(panes[0], first);
      activate(0);
      setZoom(0);
      stage.focus();
    },
  };
}
