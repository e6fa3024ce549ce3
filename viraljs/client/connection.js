/** What both ends of a peer connection share: how candidates are gathered and told. */

/**
 * Set the local description, and give it with its first candidate, which then needs no message of its own.
 *
 * @param {RTCPeerConnection} connection
 * @param {(candidate: string) => void} late takes each candidate that comes after
 * @returns {Promise<string>} SDP
 */
export async function describe(connection, late) {
  /** @type {(candidate: string) => void} */
  let take = () => {};
  // An event ends the wait, and no timer: pages in the background get timers once a minute.
  const first = new Promise((resolve) => {
    connection.onicecandidate = ({ candidate }) => {
      if (candidate?.candidate) take(candidate.candidate);
      resolve(null);
    };
  });
  await connection.setLocalDescription();
  await first;
  take = late;
  return /** @type {RTCSessionDescription} */ (connection.localDescription).sdp;
}

/**
 * Take the other side's answer with all candidates that are known by now, in one go. Chromium counts each call that
 * brings any, but takes only one back when the connection closes; what is left keeps the page out of the back/forward
 * cache for good.
 *
 * @param {RTCPeerConnection} connection
 * @param {string} sdp
 * @param {string[]} candidates beside those of the description
 */
export async function accept(connection, sdp, candidates) {
  const lines = candidates.map((candidate) => `a=${candidate}\r\n`);
  try {
    await connection.setRemoteDescription({ type: "answer", sdp: sdp + lines.join("") });
  } catch (error) {
    if (!lines.length) throw error;
    await connection.setRemoteDescription({ type: "answer", sdp });
    addCandidates(connection, candidates);
  }
}

/**
 * Take candidates of the other side. One that the browser can't use is no reason to give up the others.
 *
 * @param {RTCPeerConnection} connection
 * @param {string[]} candidates
 */
export function addCandidates(connection, candidates) {
  for (const candidate of candidates) connection.addIceCandidate({ candidate, sdpMid: "0" }).catch(console.debug);
}
