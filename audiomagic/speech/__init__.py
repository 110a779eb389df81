"""Speech as words and as sound: cut into chunks, joined, timed, trimmed, compared with a text."""
