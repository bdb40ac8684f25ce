// What is written on the page, or drawn as a bar, with less contrast than the
// Web Content Accessibility Guidelines ask for: 4.5 for text, 3 for what is drawn.
(() => {
  const parts = (color) => color.match(/[\d.]+/g).map(Number);
  const opaque = (color) => (parts(color)[3] ?? 1) === 1;
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const color = getComputedStyle(e).backgroundColor;
      if (opaque(color)) return color;
    }
    return "rgb(255, 255, 255)";
  };
  const luminance = (color) => {
    const [r, g, b] = parts(color).map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => {
    const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y);
    return (light + 0.05) / (dark + 0.05);
  };
  const poor = new Set();
  let looked = 0;
  const look = (what, color, ground, least) => {
    looked++;
    if (contrast(color, ground) < least) poor.add(`${what}: ${color} on ${ground}`);
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || !element.checkVisibility() || element.closest(".unseen")) continue;
    // The numbers of a chart stand beside their bars.
    const ground = element.matches(".data") ? behind(element.closest("tr")) : behind(element);
    look(element.tagName, getComputedStyle(element).color, ground, 4.5);
  }
  for (const bar of document.querySelectorAll(".charts-css td")) {
    look("bar", getComputedStyle(bar).backgroundColor, behind(bar.parentElement), 3);
  }
  for (const field of document.querySelectorAll("input, select, .listing > button")) {
    if (field.checkVisibility()) look("border", getComputedStyle(field).borderTopColor, behind(field), 3);
  }
  return { looked, poor: Array.from(poor) };
})();
