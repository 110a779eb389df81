// The script that a card carries: its transcript follows the sound, and plays from a clicked word.
// It runs in trusted notebooks and in exported pages.

import { Transcript } from "./transcript.js";

for (const card of document.querySelectorAll(".audiomagic-card:not(.audiomagic-following)")) {
  const element = card.querySelector("[data-starts]");
  const audio = card.querySelector("audio");
  if (!element || !audio) continue;
  card.classList.add("audiomagic-following");
  const transcript = new Transcript(element, (second) => {
    card.endLive?.();
    audio.currentTime = second;
    audio.play();
  });
  transcript.starts = element.dataset.starts.split(" ").map(Number);
  const nodes = []; // several: a sign hidden from MathJax has a node of its own
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) nodes.push(walker.currentNode);
  for (const node of nodes) node.replaceWith(...transcript.split(node.data));
  card.transcript = transcript;
  card.onTranscript?.(); // the live player waits for it
  const follow = () => {
    if (!card.live) transcript.mark(audio.paused ? -1 : audio.currentTime);
    if (!audio.paused) requestAnimationFrame(follow);
  };
  for (const event of ["play", "pause", "ended"]) audio.addEventListener(event, follow);
}
