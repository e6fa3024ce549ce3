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
 * Take candidates of the other side. One that the browser can't use is no reason to give up the others.
 *
 * @param {RTCPeerConnection} connection
 * @param {string[]} candidates
 */
export function addCandidates(connection, candidates) {
  for (const candidate of candidates) connection.addIceCandidate({ candidate, sdpMid: "0" }).catch(console.debug);
}
