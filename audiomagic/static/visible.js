// Text from elsewhere, made safe to show.

/** Removes characters that are not seen but take effect: controls, bidi overrides. */
export const visible = (text) =>
  text.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff]/g, "");
