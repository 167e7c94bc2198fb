extension Report {
    /// The page's one style sheet. Colours are variables, so dark needs only other values; those of
    /// series keep their order, and were chosen to differ also for colour-blind readers.
    static let style = """
        :root { --page:#f9f9f7; --surface:#fff; --ink:#14140f; --soft:#55544e; --faint:#8d8c85;
          --grid:#e5e4de; --line:#c4c3bc; --heat:#2a78d6; --strong:#fff;
          --c0:#2a78d6; --c1:#eb6834; --c2:#1baf7a; --c3:#4a3aa7; --c4:#eda100; --c5:#e87ba4;
          --c6:#008300; --c7:#e34948; --other:#a9a8a1; }
        @media (prefers-color-scheme: dark) { :root { --page:#111110; --surface:#1b1b19;
          --ink:#f4f3ee; --soft:#c0bfb6; --faint:#8d8c85; --grid:#2d2d2a; --line:#44443f;
          --heat:#3987e5; --strong:#fff;
          --c0:#3987e5; --c1:#e07040; --c2:#199e70; --c3:#9085e9; --c4:#c98500; --c5:#d55181;
          --c6:#2f9a2f; --c7:#e66767; --other:#6f6e68; } }
        * { box-sizing:border-box } body { margin:0; background:var(--page); color:var(--ink);
          font:15px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif }
        main { max-width:920px; margin:0 auto; padding:32px 20px 64px }
        h1 { font-size:28px; line-height:1.2; margin:0 0 4px } h2 { font-size:19px;
          margin:36px 0 8px } .sub { color:var(--soft); margin:0 0 20px }
        p { max-width:70ch } figure { margin:16px 0; padding:16px 18px; background:var(--surface);
          border:1px solid var(--grid); border-radius:8px }
        figcaption { font-weight:600; margin-bottom:8px } .scroll { overflow-x:auto }
        svg { display:block; width:100%; height:auto; min-width:480px } svg text { fill:var(--soft);
          font-size:12px; font-family:inherit } svg .strong { fill:var(--strong) }
        svg .ink { fill:var(--ink) } svg .name { font-weight:600; fill:var(--ink) }
        .grid { stroke:var(--grid); stroke-width:1 } .axis { stroke:var(--line); stroke-width:1 }
        .curve { fill:none; stroke-width:2; stroke-linejoin:round; stroke-linecap:round }
        .lane { fill:var(--page) } .heat { fill:var(--heat) } .cell { fill:var(--page) }
        .legend { display:flex; flex-wrap:wrap; gap:4px 16px; margin-bottom:8px;
          color:var(--soft); font-size:13px } .legend i { display:inline-block; width:10px;
          height:10px; border-radius:3px; margin-right:6px; background:var(--c) }
        .s0{--c:var(--c0)} .s1{--c:var(--c1)} .s2{--c:var(--c2)} .s3{--c:var(--c3)}
        .s4{--c:var(--c4)} .s5{--c:var(--c5)} .s6{--c:var(--c6)} .s7{--c:var(--c7)}
        .other{--c:var(--other)} .curve { stroke:var(--c) } .dot,.bar { fill:var(--c) }
        .bar { stroke:var(--surface); stroke-width:.5 }
        table { border-collapse:collapse; font-size:14px; min-width:50% }
        th,td { text-align:left; padding:6px 14px 6px 0; border-bottom:1px solid var(--grid) }
        th { color:var(--soft); font-weight:600 } .number { text-align:right;
          font-variant-numeric:tabular-nums }
        .tiles { display:flex; flex-wrap:wrap; gap:12px; margin:16px 0 } .tile { flex:1 1 150px;
          background:var(--surface); border:1px solid var(--grid); border-radius:8px;
          padding:12px 16px } .tile span { display:block; color:var(--soft); font-size:13px }
        .tile b { font-size:24px; font-weight:600 }
        """
}
