// The format of all audio between page and kernel: mono pcm16 at this rate.

export const RATE = 24000; // Hz
