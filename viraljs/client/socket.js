/** A seeder's line to the server: a WebSocket that comes back after it broke, unless it was told not to. */

import { decidesEarly, openRoom } from "./departure.js";

const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 120000;
/** Close codes of the server that a new attempt would only earn again. */
const isFinal = (/** @type {number} */ code) => code >= 4400 && code < 4500;

/** Heartbeats of silence after which the line is taken to be dead, whatever the browser thinks of it. */
const SILENT_HEARTBEATS = 3;

/**
 * @param {string} url http or https
 * @param {(message: any) => void} receive
 */
export function openSocket(url, receive) {
  /** @type {WebSocket | null} */
  let socket = null;
  /** @type {ReturnType<typeof openRoom> | null} */
  let room = null;
  /** @type {ReturnType<typeof setTimeout>} */
  let timer;
  let failures = 0;
  let heartbeat = 0;
  let lines = 0;

  function open() {
    if (socket) return;
    room = decidesEarly() ? openRoom() : null;
    /** @type {WebSocket} */
    const mine = new (room?.window ?? globalThis).WebSocket(url.replace(/^http/, "ws"));
    socket = mine;
    lines++;
    /** @param {number} code */
    function lose(code) {
      if (socket !== mine) return;
      close();
      if (isFinal(code)) return;
      // Jitter: a server that restarts is not met by all its seeders at once.
      const longest = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures++);
      timer = setTimeout(open, FIRST_RETRY_MS / 2 + Math.random() * longest);
    }
    mine.onclose = ({ code }) => lose(code);
    mine.onmessage = ({ data }) => {
      const message = JSON.parse(data);
      failures = 0;
      heartbeat = message.heartbeat ?? heartbeat;
      clearTimeout(timer);
      timer = setTimeout(lose, SILENT_HEARTBEATS * heartbeat * 1000, 0);
      if (message.type === "ping") send({ type: "pong" });
      else receive(message);
    };
  }

  function close() {
    clearTimeout(timer);
    const mine = socket;
    socket = null;
    mine?.close();
    room?.remove();
    room = null;
  }

  /**
   * @param {object} message lost where the line is down: what it was about is over then
   * @returns {boolean} whether it was sent
   */
  function send(message) {
    if (socket?.readyState !== WebSocket.OPEN) return false;
    socket.send(JSON.stringify(message));
    return true;
  }

  /** Which line this is, counted from the first. */
  const line = () => lines;

  return { open, close, send, line };
}
