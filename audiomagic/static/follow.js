// Follow-along for cards: the word that is heard is marked, and a click on a word plays from there.
// A card carries this script; it runs where a notebook is trusted, and in exported pages.
for (const card of document.querySelectorAll(".audiomagic-card:not(.audiomagic-following)")) {
  const transcript = card.querySelector("[data-starts]");
  const audio = card.querySelector("audio");
  if (!transcript || !audio) continue;
  card.classList.add("audiomagic-following");
  const starts = transcript.dataset.starts.split(" ").map(Number);
  const sign = "[\\u3040-\\u30ff\\u3400-\\u9fff\\uac00-\\ud7af]";
  const cut = new RegExp(`\\s+|${sign}|(?:(?!${sign})\\S)+`, "gu"); // as timing.py cuts
  const nodes = [];
  const walker = document.createTreeWalker(transcript, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) nodes.push(walker.currentNode);
  const words = []; // of each word its pieces: a sign kept from MathJax is a node of its own
  let open = false;
  for (const node of nodes) {
    const pieces = (node.data.match(cut) ?? []).map((text) => {
      const space = /^\s/.test(text);
      const alone = new RegExp(sign, "u").test(text);
      if (space) open = false;
      if (space) return document.createTextNode(text);
      if (!open || alone) words.push([]);
      open = !alone;
      const span = document.createElement("span");
      span.textContent = text;
      span.style.cssText = "cursor:pointer;border-radius:3px";
      span.onclick = () => card.seek(starts[words.indexOf(span.word)]);
      span.word = words[words.length - 1];
      span.word.push(span);
      return span;
    });
    node.replaceWith(...pieces);
  }
  let shown;
  card.mark = (seconds) => {
    let i = -1;
    while (i + 1 < words.length && starts[i + 1] <= seconds) i++;
    if (words[i] === shown) return;
    for (const span of shown ?? []) span.style.background = "";
    shown = words[i];
    for (const span of shown ?? []) span.style.background = "#ffe08a";
  };
  card.seek = (seconds) => {
    card.takeOver?.(); // from the live sound
    audio.currentTime = seconds;
    audio.play();
  };
  const follow = () => {
    if (!card.live) card.mark(audio.paused ? -1 : audio.currentTime);
    if (!audio.paused) requestAnimationFrame(follow);
  };
  audio.addEventListener("play", follow);
  audio.addEventListener("pause", follow);
  audio.addEventListener("ended", follow);
}
