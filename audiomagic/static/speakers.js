// Who may sound in this page: one reply or conversation at a time, the others wait their turn.

/** All that want to sound, whichever script they are from: the first one does. */
const speakers = () => (globalThis.audiomagicSpeakers ??= []);

/** Puts a speaker at a place of the queue, or at its end; all are told by `takeTurn(isTurn)`. */
export function enqueue(speaker, place = Infinity) {
  const all = speakers();
  if (all.includes(speaker)) all.splice(all.indexOf(speaker), 1);
  all.splice(place, 0, speaker);
  for (const one of all) one.takeTurn(one === all[0]);
}

/** Takes it out of the queue. */
export function dequeue(speaker) {
  const all = speakers();
  if (all.includes(speaker)) all.splice(all.indexOf(speaker), 1);
  for (const one of [speaker, ...all]) one.takeTurn(one === all[0]);
}

/** The place behind the conversations that sound, which no reply interrupts. */
export const placeToConverse = () => speakers().filter((speaker) => speaker.converses).length;
