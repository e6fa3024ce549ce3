"""Published packages, as sites take them: files of `node_modules` in script elements."""

from __future__ import annotations

from tests.fidelity.packages import FULL, IMPORTS, WORKER, Package, steps


def make_pdf(text: str) -> bytes:
    """Write a page with a line of text and a red square (ISO 32000-1, 7.5)."""
    content = f"1 0 0 rg 0 0 20 20 re f BT /F 12 Tf 30 20 Td ({text}) Tj ET"
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 100 50] /Contents 4 0 R /Resources << /Font << /F 5 0 R >> >> >>",
        f"<< /Length {len(content)} >>\nstream\n{content}\nendstream",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    written, places = "%PDF-1.4\n", []
    for number, one in enumerate(objects, 1):
        places.append(len(written))
        written += f"{number} 0 obj\n{one}\nendobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    size = len(objects) + 1
    end = f"trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{len(written)}\n%%EOF\n"
    return f"{written}xref\n0 {size}\n0000000000 65535 f \n{table}{end}".encode("ascii")


PDF = make_pdf("A page of our own")

FRAME = "const frame = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));"
"""`frame()` waits until the browser has drawn."""

UNTIL = """const until = async (condition) => {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 10));
};"""
"""`until(condition)` waits until it is true."""

EXPANDO = r"jQuery\d+"
"""jQuery's name for what it keeps at an object ends in random digits."""

CHARTS = (
    Package(
        "plotly",
        ("npm/plotly.js-dist-min/plotly.min.js",),
        app="""
        window.drawn = Plotly.newPlot("place", [{ x: [1, 2, 3], y: [4, 1, 9] }, { y: [3, 2], type: "bar" }], {
          width: 400, height: 300, title: { text: "Harvest" },
        });
        """,
        body='<div id="place"></div>',
        ready="window.drawn",
        probe=steps("""
        const div = await drawn;
        return [Plotly.version, div.querySelectorAll(".trace path").length, div.querySelector(".gtitle").textContent,
                div.querySelector(".point path").getAttribute("d")];
        """),
    ),
    Package(
        "d3",
        ("npm/d3/dist/d3.min.js",),
        app="""
        const scale = d3.scaleLinear([0, 100], [0, 300]);
        d3.select("#place").append("g").call(d3.axisBottom(scale).ticks(5));
        d3.select("#place").selectAll("circle").data([10, 50, 90]).join("circle").attr("cx", scale).attr("r", 5);
        """,
        body='<svg id="place" width="320" height="40"></svg>',
        ready="document.querySelector('circle')",
        probe="[d3.version, document.querySelector('#place').innerHTML]",
    ),
    Package(
        "chart.js",
        ("npm/chart.js/dist/chart.umd.min.js",),
        app="""
        window.chart = new Chart("place", {
          type: "bar", data: { labels: ["a", "b"], datasets: [{ label: "sums", data: [3, 7] }] },
          options: { animation: false, responsive: false },
        });
        """,
        body='<canvas id="place" width="300" height="200"></canvas>',
        ready="window.chart",
        # Not the picture itself: Firefox adds noise to what a page reads from a canvas, other noise in each profile.
        probe="[Chart.version, chart.getDatasetMeta(0).data.map(({ x, y }) => [x, y]),"
        " chart.ctx.getImageData(0, 0, 300, 200).data.some(Boolean)]",
    ),
    Package(
        "mermaid",
        ("npm/mermaid/dist/mermaid.min.js",),
        # It draws when it hears the page's `load`, which has passed when peers deliver.
        body='<pre class="mermaid">graph TD; Sow-->Reap; Reap-->Sow;</pre>',
        ready="document.querySelector('.mermaid[data-processed] svg')",
        probe=steps("""
        const { svg } = await mermaid.render("again", "sequenceDiagram\\nAlice->>Bob: Hello");
        const labels = [...document.querySelectorAll(".mermaid .nodeLabel")].map(({ textContent }) => textContent);
        return [labels, svg.length, svg.includes("Hello")];
        """),
    ),
    Package(
        "vis-network",
        ("npm/vis-network/standalone/umd/vis-network.min.js",),
        app="""
        const nodes = new vis.DataSet([{ id: 1, label: "one", x: 0, y: 0 }, { id: 2, label: "two", x: 80, y: 0 }]);
        const edges = new vis.DataSet([{ id: "e", from: 1, to: 2 }]);
        window.network = new vis.Network(document.querySelector("#place"), { nodes, edges }, { physics: false });
        """,
        body='<div id="place" style="width: 300px; height: 200px"></div>',
        ready="window.network",
        probe="[network.getPositions(), network.getConnectedNodes(1), document.querySelector('#place canvas').width]",
    ),
    Package(
        "leaflet",
        ("npm/leaflet/dist/leaflet.js",),
        app="""
        window.map = L.map("place", { fadeAnimation: false }).setView([51.5, 0], 10);
        L.circle([51.5, 0], { radius: 500 }).addTo(map);
        window.marker = L.marker([51.5, 0.1]).addTo(map);
        """,
        head='<link rel="stylesheet" href="/files/npm/leaflet/dist/leaflet.css">',
        body='<div id="place" style="width: 300px; height: 200px"></div>',
        ready="window.marker",
        # It finds its images by the style sheet, and by its script element.
        probe="[L.version, map.getBounds().toBBoxString(), document.querySelector('#place path').getAttribute('d'),"
        " document.querySelector('.leaflet-marker-icon').src]",
    ),
    Package(
        "three 0.150, the classic build",
        ("npm/three-classic/build/three.min.js",),
        probe=steps("""
        const camera = new THREE.PerspectiveCamera(50, 1, 0.1, 100);
        camera.position.z = 5;
        camera.updateMatrixWorld();
        const ray = new THREE.Raycaster();
        ray.setFromCamera(new THREE.Vector2(0, 0), camera);
        const cube = new THREE.Mesh(new THREE.BoxGeometry(1, 1, 1), new THREE.MeshBasicMaterial());
        return [THREE.REVISION, ray.intersectObject(cube).map(({ distance }) => distance)];
        """),
    ),
)

FRAMEWORKS = (
    Package(
        "react 18",
        ("npm/react/umd/react.production.min.js", "npm/react-dom/umd/react-dom.production.min.js"),
        app="""
        const Counter = () => {
          const [count, setCount] = React.useState(0);
          return React.createElement("button", { onClick: () => setCount(count + 1) }, `${count} clicks`);
        };
        ReactDOM.createRoot(document.querySelector("#place")).render(React.createElement(Counter));
        """,
        body='<div id="place"></div>',
        ready="document.querySelector('#place button')",
        probe=steps(f"""
        {FRAME}
        document.querySelector("#place button").click();
        await frame();
        return [React.version, document.querySelector("#place").innerHTML];
        """),
    ),
    Package(
        "react 18, the development build",
        ("npm/react/umd/react.development.js", "npm/react-dom/umd/react-dom.development.js"),
        # A list without keys makes it warn, in the console.
        app="""
        const List = () => React.createElement("ul", null, [1, 2].map((one) => React.createElement("li", null, one)));
        ReactDOM.createRoot(document.querySelector("#place")).render(React.createElement(List));
        """,
        body='<div id="place"></div>',
        ready="document.querySelector('#place li')",
        probe="document.querySelector('#place').innerHTML",
    ),
    Package(
        "vue",
        ("npm/vue/dist/vue.global.prod.js",),
        app="""
        const computed = { double() { return this.count * 2; } };
        Vue.createApp({ data: () => ({ count: 1 }), computed }).mount("#place");
        """,
        body='<p id="place"><button @click="count++">{% raw %}{{ count }}, twice {{ double }}{% endraw %}</button></p>',
        ready="document.querySelector('#place')?.__vue_app__",
        probe=steps("""
        document.querySelector("#place button").click();
        await Vue.nextTick();
        return [Vue.version, document.querySelector("#place").innerHTML];
        """),
    ),
    Package(
        "vue, the development build",
        ("npm/vue/dist/vue.global.js",),
        # A template that uses what is not there makes it warn, in the console.
        app='Vue.createApp({ template: "<p>{% raw %}{{ missing }}{% endraw %}, still</p>" }).mount("#place");',
        body='<div id="place"></div>',
        ready="document.querySelector('#place p')",
        probe="document.querySelector('#place').innerHTML",
    ),
    Package(
        "alpine",
        ("npm/alpinejs/dist/cdn.min.js",),
        body='<div x-data="{ open: false }"><button @click="open = !open">toggle</button>'
        '<p x-show="open" x-text="`open is ${open}`"></p></div>',
        ready="document.querySelector('p').textContent",
        probe=steps(f"""
        {UNTIL}
        const text = document.querySelector("p");
        document.querySelector("button").click();
        await until(() => text.style.display === "");
        return [Alpine.version, text.outerHTML];
        """),
    ),
    Package(
        "htmx",
        ("npm/htmx.org/dist/htmx.min.js",),
        files={"fragment.txt": "<b>a fragment</b>"},
        body='<div id="place" hx-get="/files/own/fragment.txt" hx-trigger="load"></div>',
        ready="document.querySelector('#place b')",
        probe="[htmx.version, document.querySelector('#place').innerHTML]",
    ),
    Package(
        "jquery",
        ("npm/jquery/dist/jquery.min.js",),
        app="""
        $(() => $("#place").append($("<p>").text("ready")));
        $(window).on("load", () => $("#place").append($("<p>").text("loaded")));
        $("#place").on("click", "p", function () { $(this).addClass("clicked"); });
        """,
        body='<div id="place"></div>',
        ready="window.$ && $('#place p').length === 2",
        # Whether `ready` or `load` is first jQuery leaves open: it calls for the former by a timer.
        probe="($('#place p').trigger('click'), [$.fn.jquery, $('#place').html().split('<p').sort()])",
        random=EXPANDO,
    ),
    Package(
        "bootstrap",
        ("npm/bootstrap/dist/js/bootstrap.bundle.min.js",),
        head='<link rel="stylesheet" href="/files/npm/bootstrap/dist/css/bootstrap.min.css">',
        body='<button id="toggle" data-bs-toggle="collapse" data-bs-target="#part">more</button>'
        '<div id="part" class="collapse">what is more</div>'
        '<div id="carousel" class="carousel" data-bs-ride="carousel"><div class="carousel-inner">'
        '<div class="carousel-item active">1</div><div class="carousel-item">2</div></div></div>',
        ready="window.bootstrap",
        probe=steps("""
        const part = document.querySelector("#part");
        const shown = new Promise((resolve) => part.addEventListener("shown.bs.collapse", resolve));
        document.querySelector("#toggle").click();
        await shown;
        // It makes carousels of the page when it hears `load`.
        const carousel = bootstrap.Carousel.getInstance(document.querySelector("#carousel"));
        return [bootstrap.Collapse.VERSION, part.className, Boolean(carousel)];
        """),
    ),
    Package(
        "swiper",
        ("npm/swiper/swiper-bundle.min.js",),
        app='window.swiper = new Swiper(".swiper", { speed: 0 });',
        head='<link rel="stylesheet" href="/files/npm/swiper/swiper-bundle.min.css">',
        body='<div class="swiper" style="width: 200px"><div class="swiper-wrapper"><div class="swiper-slide">1</div>'
        '<div class="swiper-slide">2</div></div></div>',
        ready="window.swiper",
        probe="(swiper.slideNext(), [swiper.activeIndex, swiper.translate, swiper.slides.length])",
    ),
    Package(
        "backbone, with underscore and jquery",
        (
            "npm/underscore/underscore-umd-min.js",
            "npm/jquery/dist/jquery.min.js",
            "npm/backbone/backbone-min.js",
        ),
        app="""
        const Line = Backbone.View.extend({
          tagName: "p",
          initialize() { this.listenTo(this.model, "change", this.render); },
          render() { this.$el.text(this.model.get("title")); return this; },
        });
        window.model = new Backbone.Model({ title: "before" });
        $("body").append(new Line({ model }).render().el);
        """,
        ready="document.querySelector('p')",
        random=EXPANDO,
        probe="(model.set('title', 'after'), [_.VERSION, Backbone.VERSION, document.querySelector('p').outerHTML])",
    ),
)

EDITORS = (
    Package(
        "monaco-editor",
        ("npm/monaco-editor/min/vs/loader.js",),
        app="""
        require.config({ paths: { vs: "/files/npm/monaco-editor/min/vs" } });
        require(["vs/editor/editor.main"], () => {
          window.editor = monaco.editor.create(document.querySelector("#place"), {
            value: "const answer = 42;\\n", language: "javascript",
          });
        });
        """,
        body='<div id="place" style="width: 400px; height: 200px"></div>',
        ready="window.editor",
        probe=steps(f"""
        {UNTIL}
        editor.setPosition({{ lineNumber: 2, column: 1 }});
        editor.trigger("keyboard", "type", {{ text: "answer.nonsens" }});
        // Its colours come from a module that is fetched now, and its worker tells what is wrong.
        await until(() => document.querySelector(".view-line .mtk1"));
        const getWorker = await monaco.languages.typescript.getJavaScriptWorker();
        const uri = editor.getModel().uri;
        const worker = await getWorker(uri);
        return [editor.getValue(), await worker.getSyntacticDiagnostics(String(uri))];
        """),
        # Workers import these.
        answers={
            f"npm/monaco-editor/min/vs/assets/{name}.js": IMPORTS
            for name in ("editor.worker-_vAIFJDs", "ts.worker-g3pjEjl4")
        },
    ),
    Package(
        "codemirror 5",
        ("npm/codemirror/lib/codemirror.js", "npm/codemirror/mode/javascript/javascript.js"),
        app="""
        window.editor = CodeMirror(document.querySelector("#place"), { mode: "javascript", value: "let a;\\n" });
        """,
        head='<link rel="stylesheet" href="/files/npm/codemirror/lib/codemirror.css">',
        body='<div id="place"></div>',
        ready="window.editor",
        probe=steps("""
        editor.setCursor(1, 0);
        editor.replaceSelection("function f() { return 'x'; }", "end", "+input");
        return [editor.getValue(), document.querySelector(".CodeMirror-code").innerText,
                [...document.querySelectorAll(".cm-keyword")].map(({ textContent }) => textContent)];
        """),
    ),
    Package(
        "ace",
        ("npm/ace-builds/src-min-noconflict/ace.js",),
        # Mode, theme and worker are found beside its own script element.
        app="""
        window.editor = ace.edit("place", { mode: "ace/mode/javascript", theme: "ace/theme/monokai" });
        """,
        body='<div id="place" style="width: 400px; height: 200px"></div>',
        ready="window.editor?.session.$modeId === 'ace/mode/javascript'",
        probe=steps(f"""
        {UNTIL}
        editor.insert("var a = ;\\n");
        await until(() => editor.session.getAnnotations().length);
        const notes = editor.session.getAnnotations().map(({{ text }}) => text);
        return [editor.getValue(), ace.config.get("basePath"), notes];
        """),
        # A worker imports it.
        answers={"npm/ace-builds/src-min-noconflict/worker-javascript.js": FULL},
    ),
)

DOCUMENTS = (
    Package(
        "pdfjs 3",
        ("npm/pdfjs-dist/legacy/build/pdf.min.js",),
        files={"page.pdf": PDF},
        # It looks for its worker beside its own script element, and warns that it has to.
        ready="window.pdfjsLib",
        probe=steps("""
        const { promise } = pdfjsLib.getDocument("/files/own/page.pdf");
        const page = await (await promise).getPage(1);
        const { items } = await page.getTextContent();
        const viewport = page.getViewport({ scale: 1 });
        const canvas = Object.assign(document.createElement("canvas"), { width: 100, height: 50 });
        const canvasContext = canvas.getContext("2d");
        await page.render({ canvasContext, viewport }).promise;
        return [pdfjsLib.version, pdfjsLib.GlobalWorkerOptions.workerSrc, items.map(({ str }) => str),
                [...canvasContext.getImageData(10, 40, 1, 1).data].map((value) => value > 200)];
        """),
        answers={"npm/pdfjs-dist/legacy/build/pdf.worker.min.js": WORKER},
    ),
    Package(
        "katex",
        ("npm/katex/dist/katex.min.js", "npm/katex/dist/contrib/auto-render.min.js"),
        attributes={},
        app="document.addEventListener('DOMContentLoaded', () => renderMathInElement(document.body));",
        body="<p>$$a^2 + b^2 = c^2$$</p>",
        ready="document.querySelector('.katex')",
        probe="[katex.version, document.querySelector('p').innerHTML, katex.renderToString('\\\\frac{1}{2}')]",
    ),
    Package(
        "highlight.js",
        ("npm/@highlightjs/cdn-assets/highlight.min.js",),
        app="hljs.highlightAll();",
        body='<pre><code class="language-python">def f(): return "x"</code></pre>',
        ready="document.querySelector('.hljs-keyword')",
        probe="[hljs.versionString, document.querySelector('code').outerHTML]",
    ),
    Package(
        "handlebars",
        ("npm/handlebars/dist/handlebars.min.js",),
        probe="[Handlebars.VERSION, Handlebars.compile('{{#each a}}<{{this}}>{{/each}}')({ a: [1, '&'] })]",
        ready="window.Handlebars",
    ),
)

TOOLS = (
    Package(
        "tensorflow.js",
        ("npm/@tensorflow/tfjs/dist/tf.min.js",),
        ready="window.tf",
        probe=steps("""
        await tf.setBackend("cpu");
        const layer = tf.layers.dense({ units: 1, inputShape: [1], kernelInitializer: "ones" });
        const model = tf.sequential({ layers: [layer] });
        model.compile({ optimizer: tf.train.sgd(0.1), loss: "meanSquaredError" });
        const x = tf.tensor2d([[0], [1], [2]]);
        const y = tf.tensor2d([[1], [3], [5]]);
        const { history } = await model.fit(x, y, { epochs: 3, shuffle: false });
        return [tf.version_core, history.loss, tf.tensor2d([[1, 2], [3, 4]]).matMul(tf.ones([2, 1])).arraySync()];
        """),
    ),
    Package(
        "requirejs with data-main",
        ("npm/requirejs/require.js",),
        attributes={"data_main": "/files/own/scripts/main"},
        files={
            "scripts/main.js": """
            require.config({ paths: { lodash: "/files/npm/lodash/lodash.min" } });
            require(["greeting", "lodash", "module"], (greeting, _, { uri }) => {
              window.greeted = [greeting("ViralJS"), _.VERSION, uri ?? null, require.toUrl("x.txt")];
            });
            """,
            "scripts/greeting.js": "define(['./words'], (words) => (name) => `${words.hello}, ${name}`);",
            "scripts/words.js": "define({ hello: 'Hello' });",
        },
        ready="window.greeted",
        probe="[requirejs.version, greeted]",
    ),
    Package(
        "lodash",
        ("npm/lodash/lodash.min.js",),
        ready="window._",
        probe="[_.VERSION, _.chunk([1, 2, 3], 2), _.template('<%= a %>!')({ a: 1 }), _.kebabCase('fooBar')]",
    ),
    Package(
        "moment",
        ("npm/moment/min/moment-with-locales.min.js",),
        ready="window.moment",
        probe="[moment.version, moment.utc('2020-02-29').locale('fr').format('LLLL'), moment.locales().length]",
    ),
    Package(
        "rxjs",
        ("npm/rxjs/dist/bundles/rxjs.umd.min.js",),
        ready="window.rxjs",
        probe="rxjs.lastValueFrom(rxjs.from([1, 2, 3]).pipe(rxjs.map((x) => x * x), rxjs.toArray()))",
    ),
    Package(
        "immutable",
        ("npm/immutable/dist/immutable.min.js",),
        ready="window.Immutable",
        probe="[Immutable.version, Immutable.fromJS({ a: { b: [1] } }).setIn(['a', 'b', 1], 2)]",
    ),
    Package(
        "axios",
        ("npm/axios/dist/axios.min.js",),
        files={"data.txt": "some data"},
        ready="window.axios",
        probe="axios.get('/files/own/data.txt').then(({ data, status }) => [axios.VERSION, data, status])",
    ),
    Package(
        "socket.io-client",
        ("npm/socket.io-client/dist/socket.io.min.js",),
        ready="window.io",
        # Nobody answers at this port.
        probe=steps("""
        const socket = io("http://127.0.0.1:9", { reconnection: false, transports: ["websocket"] });
        const { message } = await new Promise((resolve) => socket.on("connect_error", resolve));
        return [io.protocol, message, socket.connected];
        """),
    ),
    Package(
        "sql.js",
        ("npm/sql.js/dist/sql-wasm.js",),
        ready="window.initSqlJs",
        probe=steps("""
        const { Database } = await initSqlJs({ locateFile: (name) => `/files/npm/sql.js/dist/${name}` });
        const db = new Database();
        db.run("create table t (a); insert into t values (1), (2);");
        return db.exec("select sum(a), sqlite_version() from t");
        """),
    ),
    Package(
        "hash-wasm",
        ("npm/hash-wasm/dist/index.umd.min.js",),
        ready="window.hashwasm",
        probe="Promise.all([hashwasm.blake3('peers'), hashwasm.xxhash64('peers'), hashwasm.sha3('peers')])",
    ),
)

LIBRARIES = (*CHARTS, *FRAMEWORKS, *EDITORS, *DOCUMENTS, *TOOLS)
