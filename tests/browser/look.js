// Finds what is wrong with the page as it is shown now. looking.py puts this and axe-core into the page, and calls
// psdLook.at() at each width in each theme.
//
// The contrast of a text depends on its colour, its size and what is painted below it. Checking it takes axe-core four
// fifths of its time. So it checks one of the texts that are alike in all of these, and no text that looks like one
// that has passed before, on any page. It checks a text each time if it failed before, or if something that holds it
// is placed over other elements.
window.psdLook = (() => {
    const STILL = "*, *::before, *::after { transition: none !important; animation: none !important; }";
    const SIDEBAR = "#nav-sidebar-inner";
    const PLAIN = "rgba(0, 0, 0, 0),none,1,none,none,normal";
    const PLACED = ["absolute", "fixed", "sticky"];
    const FILLS_ITS_BOX = ".simplebar-mask, .simplebar-offset"; // absolute, over nothing but its parent
    const NO_TEXT = "[type=hidden], [type=checkbox], [type=radio], [type=range], [type=color]";
    const HAS_TEXT = `select, textarea, input:not(${NO_TEXT})`;
    const known = new Set();

    // Without transitions, or the colours would be between those of two themes.
    const show = (dark) => {
        if (!document.getElementById("still")) {
            const still = document.createElement("style");
            still.id = "still";
            still.textContent = STILL;
            document.head.append(still);
        }
        document.documentElement.classList.toggle("dark", dark);
    };

    const contains = (outer, inner) =>
        outer.left <= inner.left && outer.right >= inner.right &&
        outer.top <= inner.top && outer.bottom >= inner.bottom;

    // What the element and those around it paint, the innermost first; placed: it may cover other elements too.
    const layersOf = (element, cache) => {
        if (!element) return { layers: [], placed: false };
        if (!cache.has(element)) {
            const around = layersOf(element.parentElement, cache), style = getComputedStyle(element);
            const paint = [
                style.backgroundColor, style.backgroundImage, style.opacity, style.filter, style.backdropFilter,
                style.mixBlendMode,
            ].join();
            const layers = around.layers.slice();
            if (paint !== PLAIN) layers.unshift({ paint, box: element.getBoundingClientRect() });
            const placed = around.placed || (PLACED.includes(style.position) && !element.matches(FILLS_ITS_BOX));
            cache.set(element, { layers, placed });
        }
        return cache.get(element);
    };

    // Everything that the contrast of an element's own text depends on; null: check this element each time.
    const appearance = (element, text, cache) => {
        const style = getComputedStyle(element), box = element.getBoundingClientRect();
        const { layers, placed } = layersOf(element, cache);
        // axe-core checks neither an icon, whose text is the name of a sign, nor a dash.
        const isIcon = style.fontFamily.includes("Symbols"), isSign = isIcon || !/[\p{L}\p{N}]/u.test(text);
        if (placed && !isIcon) return null;
        const font = [style.fontSize, style.fontWeight, style.textShadow, style.webkitTextStroke, style.textTransform];
        const below = layers.map((layer) => [layer.paint, contains(layer.box, box)]);
        return JSON.stringify([style.color, font, below, isSign && !element.matches(HAS_TEXT) && text]);
    };

    const unknown = (sidebar) => {
        const cache = new Map(), alike = new Map(), alone = [];
        for (const element of document.body.querySelectorAll("*")) {
            if (!sidebar && element.closest(SIDEBAR)) continue;
            const own = [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE);
            const text = own.map((node) => node.nodeValue.trim()).join("");
            if (!text && !element.matches(HAS_TEXT)) continue;
            if (!element.checkVisibility()) continue;
            const key = appearance(element, text, cache);
            if (key === null) alone.push(element);
            else if (!known.has(key) && !alike.has(key)) alike.set(key, element);
        }
        return { alike, alone };
    };

    const nodes = (rules) => rules.flatMap((rule) => rule.nodes);

    // Returns the violations. Adds to `learned` the appearances that passed, and those of signs that were not judged.
    const contrast = async (sidebar, learned) => {
        const { alike, alone } = unknown(sidebar);
        if (alike.size + alone.length === 0) return [];
        const found = await axe.run({ include: [...alone, ...alike.values()] }, {
            elementRef: true, selectors: false, resultTypes: ["violations", "incomplete", "passes"],
            runOnly: { type: "rule", values: ["color-contrast"] },
        });
        const measured = (node) => node.any.some((check) => check.data && check.data.contrastRatio);
        const passed = new Set(nodes(found.passes).filter(measured).map((node) => node.element));
        const judged = new Set(nodes([...found.violations, ...found.incomplete]).map((node) => node.element));
        for (const [key, element] of alike) {
            const isSign = JSON.parse(key).at(-1) !== false;
            if (passed.has(element) || (isSign && !judged.has(element))) learned.push(key);
        }
        return found.violations;
    };

    const others = async (sidebar) => {
        const found = await axe.run(sidebar ? document : { exclude: [[SIDEBAR]] }, {
            reporter: "no-passes", runOnly: { type: "tag", values: ["wcag2a", "wcag2aa"] },
            rules: { "color-contrast": { enabled: false } },
        });
        return found.violations;
    };

    return {
        knows: (keys) => keys.forEach((key) => known.add(key)),
        // wide: pixels that the page is wider than its window; wrong: [rule, impact, [HTML]]; learned: for `knows`.
        // Only its colours differ between one theme and the other.
        at: async (dark, sidebar) => {
            show(dark);
            const wide = document.documentElement.scrollWidth - window.innerWidth, learned = [];
            const found = [...(dark ? [] : await others(sidebar)), ...(await contrast(sidebar, learned))];
            learned.forEach((key) => known.add(key));
            const html = (rule) => rule.nodes.slice(0, 3).map((node) => node.html.slice(0, 160));
            return { wide, learned, wrong: found.map((rule) => [rule.id, rule.impact, html(rule)]) };
        },
    };
})();
