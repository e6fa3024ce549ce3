import { lazy, Suspense, useState } from "react";

const Chart = lazy(() => import("./chart.jsx"));

/** A button that brings the lazy chunk. */
export function App() {
  const [isShown, setShown] = useState(false);
  return (
    <main>
      <h1>Squares</h1>
      <button type="button" onClick={() => setShown(true)}>
        Draw
      </button>
      <Suspense fallback={<p>wait</p>}>{isShown && <Chart />}</Suspense>
    </main>
  );
}
