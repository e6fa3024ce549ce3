import { Chart } from "chart.js/auto";
import { useEffect, useRef, useState } from "react";

const NUMBERS = [1, 2, 3, 4];

/** Draws, and says so. */
export default function Squares() {
  const canvas = useRef(null);
  const [isDrawn, setDrawn] = useState(false);
  useEffect(() => {
    const data = { labels: NUMBERS, datasets: [{ data: NUMBERS.map((number) => number ** 2) }] };
    const chart = new Chart(canvas.current, { type: "line", data, options: { animation: false } });
    setDrawn(true);
    return () => chart.destroy();
  }, []);
  return (
    <>
      <canvas ref={canvas} width="300" height="200" />
      <output>{isDrawn ? "drawn" : ""}</output>
    </>
  );
}
