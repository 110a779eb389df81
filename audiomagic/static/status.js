// What a recorder is doing, in a line for the user.

export const PATIENCE = 5000; // ms without an answer, after which the user is told
const BACKLOG = 20; // chunks waiting to be received: a second or two of sound

export function statusText(recording) {
  switch (recording.state) {
    case "asking": return "Waiting for the microphone: your browser may ask for permission.";
    case "armed": return "Listening: start speaking. It stops by itself when you are silent.";
    case "recording": return whileRecording(recording);
    case "finishing": return whileFinishing(recording);
    case "closed": return recording.line;
  }
  if (recording.elsewhere) return "A recording is running in another tab.";
  if (recording.get("state") === "busy") return "Sent; the reply is on its way.";
  const { line } = recording, notice = recording.get("notice"), kept = recording.get("kept");
  if (line || notice) return [line, notice].filter(Boolean).join(" ");
  return kept ? `Recorded ${kept.toFixed(1)} s.` : "Press Record and speak.";
}

function whileRecording(recording) {
  if (recording.late && recording.queue.pending.length > BACKLOG) {
    return "Recording. The kernel is busy and will receive it later; nothing is lost.";
  }
  const complaint = recording.meter.complaint();
  if (complaint) return complaint;
  if (recording.get("hands_free")) return "Recording: it stops when you are silent.";
  return `Recording. Press ${recording.get("sends") ? "Stop and send" : "Stop"} when you are done.`;
}

function whileFinishing({ late, file, read }) {
  if (late) return "Waiting for the kernel: it is busy with another cell.";
  return file ? `Reading ${file.name}: ${Math.round(100 * read)} % …` : "One moment …";
}
