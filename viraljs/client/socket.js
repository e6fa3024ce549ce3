/** A seeder's line to the server: a WebSocket that comes back after it broke, unless it was told not to. */

const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 120000;
/** Close codes of the server that a new attempt would only earn again. */
const isFinal = (/** @type {number} */ code) => code >= 4400 && code < 4500;

/**
 * @param {string} url http or https
 * @param {(message: any) => void} receive
 * @returns what to do with the line
 */
export function openSocket(url, receive) {
  /** @type {WebSocket | null} */
  let socket = null;
  /** @type {ReturnType<typeof setTimeout>} */
  let timer;
  let failures = 0;

  function open() {
    if (socket) return;
    const mine = new WebSocket(url.replace(/^http/, "ws"));
    socket = mine;
    mine.onmessage = ({ data }) => {
      failures = 0;
      receive(JSON.parse(data));
    };
    mine.onclose = ({ code }) => {
      if (socket !== mine) return;
      socket = null;
      if (isFinal(code)) return;
      // Full jitter: a server that restarts is not met by all its seeders at once.
      const longest = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures++);
      timer = setTimeout(open, FIRST_RETRY_MS / 2 + Math.random() * longest);
    };
  }

  return {
    open,
    close() {
      clearTimeout(timer);
      const mine = socket;
      socket = null;
      mine?.close();
    },
    /** @param {object} message lost where the line is down: what it was about is over then */
    send(message) {
      if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
    },
  };
}
