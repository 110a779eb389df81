// Follow-along for cards: the words of the transcript can be heard, see words.js.
// A card carries this script; it runs where a notebook is trusted, and in exported pages.

for (const card of document.querySelectorAll(".audiomagic-card:not(.audiomagic-following)")) {
  const transcript = card.querySelector("[data-starts]");
  const audio = card.querySelector("audio");
  if (!transcript || !audio) continue;
  card.classList.add("audiomagic-following");
  const words = new Words(transcript, (second) => {
    card.takeOver?.(); // from the live sound
    audio.currentTime = second;
    audio.play();
  });
  words.starts = transcript.dataset.starts.split(" ").map(Number);
  const nodes = []; // a sign kept from MathJax is one of its own
  const walker = document.createTreeWalker(transcript, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) nodes.push(walker.currentNode);
  for (const node of nodes) node.replaceWith(...words.cut(node.data));
  card.words = words;
  card.following?.(); // the live player waits for it
  const follow = () => {
    if (!card.live) words.mark(audio.paused ? -1 : audio.currentTime);
    if (!audio.paused) requestAnimationFrame(follow);
  };
  for (const event of ["play", "pause", "ended"]) audio.addEventListener(event, follow);
}
