import Foundation

/// A page that needs nothing else: its data stands in it as JSON, its own script draws charts of it
/// as SVG, and nothing is loaded. What pages of the simulations have in common is here.
package struct Page {
    private let title: String
    private let body: String
    private let script: String

    /// - Parameters:
    ///   - title: plain text, shown as the heading too.
    ///   - body: HTML after the heading, with elements that the script finds by their ids.
    ///   - script: JavaScript that finds the data as `data`, and the helpers below.
    package init(title: String, body: String, script: String) {
        self.title = title
        self.body = body
        self.script = script
    }

    /// The page's text.
    /// - Throws: what encoding throws.
    package func text(_ data: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let json = String(decoding: try encoder.encode(data), as: UTF8.self)
        // Nothing in a name can end the element that the data stands in.
        let safe = json.replacing("<", with: "\\u003c")
        return """
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8"><title>\(title)</title><style>
            \(Page.style)
            </style></head>
            <body><h1>\(title)</h1>
            \(body)
            <script type="application/json" id="data">\(safe)</script>
            <script>
            \(Page.helpers)
            \(script)
            </script></body></html>

            """
    }

    private static let style = """
        body { font: 14px/1.45 system-ui, sans-serif; margin: 24px auto; max-width: 1100px;
          color: #1c1c1c; background: #fff }
        h1 { font-size: 22px } h2 { font-size: 17px; margin-top: 32px }
        table { border-collapse: collapse } td, th { padding: 3px 8px; text-align: right;
          border-bottom: 1px solid #e3e3e3; font-variant-numeric: tabular-nums }
        th:first-child, td:first-child { text-align: left; position: sticky; left: 0;
          background: #fff }
        .wide { overflow-x: auto } svg { display: block; margin: 8px 0 }
        svg text { font: 11px system-ui, sans-serif; fill: #444 }
        select { font: inherit; max-width: 100% } .key { display: inline-block; width: 11px;
          height: 11px; margin: 0 4px 0 12px } p { max-width: 75ch }
        """

    private static let helpers = #"""
        const data = JSON.parse(document.getElementById("data").textContent);
        const find = id => document.getElementById(id);
        const colour = i => `hsl(${(i * 137.5) % 360} 55% 58%)`;
        const time = ns => ns >= 1e9 ? (ns / 1e9).toFixed(3) + " s"
          : ns >= 1e6 ? (ns / 1e6).toFixed(3) + " ms" : (ns / 1e3).toFixed(2) + " µs";
        const size = b => b >= 1 << 20 ? (b / (1 << 20)).toFixed(1) + " MiB"
          : (b / 1024).toFixed(1) + " KiB";
        function element(name, attributes, text) {
          const isPage = ["table", "tr", "td", "th", "option", "span"].includes(name);
          const e = isPage ? document.createElement(name)
            : document.createElementNS("http://www.w3.org/2000/svg", name);
          for (const key in attributes) e.setAttribute(key, attributes[key]);
          if (text !== undefined) e.textContent = text;
          return e;
        }
        function tip(e, text) { e.appendChild(element("title", {}, text)); return e; }
        function axis(svg, width, left, bottom, most, show = time) {
          for (let i = 0; i <= 5; i++) {
            const x = left + (width - left - 30) * i / 5;
            svg.append(element("line", { x1: x, x2: x, y1: 0, y2: bottom, stroke: "#e3e3e3" }));
            svg.append(element("text", { x, y: bottom + 14, "text-anchor": "middle" },
              show(most * i / 5)));
          }
        }
        """#
}
