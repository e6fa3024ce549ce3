"""Apps of our own, as webpack, Vite, Rollup and esbuild build them, and modules as they are published."""

from __future__ import annotations

from tests.fidelity.packages import Package, steps

CLASSIC = (
    Package(
        "webpack app",
        ("apps/webpack/main.js",),
        ready="window.packed",
        probe=steps("""
        await packed.image.decode();
        const { told } = await packed.lazy();
        return [packed.words, packed.addresses, packed.image.naturalWidth, told];
        """),
    ),
    Package(
        "rollup IIFE",
        ("apps/rollup/iife.js",),
        ready="window.rolled",
        probe="[rolled.beside, rolled.squares, rolled.square(5)]",
    ),
    Package(
        "rollup UMD",
        ("apps/rollup/umd.js",),
        ready="window.rolled",
        probe="[rolled.beside, rolled.squares, rolled.square(5)]",
    ),
    Package(
        "three, newest, in an esbuild IIFE",
        ("apps/esbuild/main.js",),
        ready="window.built",
        probe="[built.revision, built.distances]",
    ),
)

MODULES = (
    Package(
        "vite app",
        ("apps/vite/main.js",),
        module=True,
        head='<link rel="stylesheet" href="/files/apps/vite/main.css">',
        body='<div id="place"></div>',
        ready="window.app",
        probe=steps("""
        const { told } = await app.lazy();
        const { roundTrip } = await app.codec();
        const { letterSpacing, textIndent } = getComputedStyle(document.querySelector(".shown"));
        return [document.querySelector("#place").innerHTML, app.picture, told(), await roundTrip([1, 2, 3, 255]),
                letterSpacing, textIndent];
        """),
    ),
    Package(
        "preact, as modules",
        (),
        module=True,
        app="""
        import { h, render } from "../npm/preact/dist/preact.mjs";

        render(h("p", null, "drawn"), document.body.appendChild(document.createElement("div")));
        window.address = import.meta.url;
        window.current = document.currentScript;
        """,
        ready="window.address",
        probe="[address, current, document.querySelector('p').outerHTML]",
    ),
    Package(
        "@jsquash/png, modules of wasm-bindgen",
        (),
        module=True,
        app="""
        import { decode, encode } from "/files/npm/@jsquash/png/index.js";

        window.roundTrip = async (pixel) => {
          const written = await encode(new ImageData(new Uint8ClampedArray(pixel), 1, 1));
          return [...(await decode(written)).data];
        };
        """,
        ready="window.roundTrip",
        probe="roundTrip([1, 2, 3, 255])",
    ),
    Package(
        "three, newest, as modules",
        (),
        module=True,
        app="""
        import { REVISION, Vector3 } from "/files/npm/three/build/three.module.js";

        window.found = [REVISION, new Vector3(3, 4, 0).length()];
        """,
        ready="window.found",
        probe="found",
    ),
)

BUILDS = (*CLASSIC, *MODULES)
