// Decodes sound files that the kernel cannot read (m4a, webm) with the browser's own codecs.

import { RATE } from "./audio_format.js";

/** Returns a file's samples, 24 kHz mono. Rejects what the browser cannot decode. */
export async function decodeFile(file) {
  const decoder = new OfflineAudioContext(1, 1, RATE);
  const sound = await decoder.decodeAudioData(await file.arrayBuffer());
  const channels = Array.from({ length: sound.numberOfChannels }, (_, c) => sound.getChannelData(c));
  return channels[0].map((_, i) => channels.reduce((sum, c) => sum + c[i], 0) / channels.length);
}
