/** A recipient's words to the server: one POST with all its offers, and late candidates where they are needed. */

/** A path that has not opened by then needs candidates that were found late. */
const PATIENCE_MS = 300;
/** Attempts to hear of a seeder's late answer or candidates. Each waits at the server until there are some. */
const MOST_ASKS = 3;

/**
 * Bring peers and their seeders together. Rejects where the server does not take the offers: then nobody will come.
 *
 * @param {string} base URL of the signaling blueprint, up to its last slash
 * @param {string} ticket
 * @param {import("./peer.js").Peer[]} peers
 */
export async function introduce(base, ticket, peers) {
  /**
   * @param {string} name of the endpoint
   * @param {object} body
   */
  async function post(name, body) {
    const response = await fetch(base + name, { method: "POST", body: JSON.stringify({ ticket, ...body }) });
    if (!response.ok) throw new Error(`${response.status}`);
    /** @type {{signals: import("./types.js").Signal[]}} */
    const { signals } = await response.json();
    for (const peer of peers) peer.hear(signals.filter(({ exchange }) => exchange.endsWith(`.${peer.seeder}`)));
  }

  await post("offers", { offers: await Promise.all(peers.map(({ offer }) => offer)) });
  await new Promise((resolve) => setTimeout(resolve, PATIENCE_MS));
  await Promise.all(
    peers.map(async ({ seeder, late, waiting, end }) => {
      try {
        for (let ask = 0; ask < MOST_ASKS && waiting(); ask++) {
          await post("candidates", { seeder, candidates: late.splice(0) });
        }
      } catch (error) {
        console.debug(error);
        if (waiting()) end("signaling");
      }
    }),
  );
}
