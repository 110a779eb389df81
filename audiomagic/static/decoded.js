// Decoded: a sound file of a kind that the kernel cannot read (m4a, webm), read by the browser.

/** Gives a file's samples, 24 kHz mono. Rejects what is no sound. */
async function decoded(file) {
  const decoder = new OfflineAudioContext(1, 1, RATE);
  const sound = await decoder.decodeAudioData(await file.arrayBuffer());
  const channels = Array.from({ length: sound.numberOfChannels }, (_, c) => sound.getChannelData(c));
  return channels[0].map((_, i) => channels.reduce((sum, c) => sum + c[i], 0) / channels.length);
}
