// Steps of recurrent layers. States and sums are float32.

extension MetalKernels {
    /// One step of a selective state space layer (Mamba 2: Dao and Gu, 2024,
    /// https://arxiv.org/abs/2405.21060). With A = -exp(A_log), a = exp(A dt):
    /// state' = a state + x dt Bᵀ and y = state' C + x D, for each head; G heads share B and C.
    ///
    /// Inputs: x (N, 1, H, Dh), A_log (H), B and C (N, 1, H/G, Ds), D (H), dt (N, 1, H), state
    /// (N, H, Dh, Ds). Outputs: y (N, 1, H, Dh), state'.
    static let stateSpaceStep: Implementation = { call in
        try call.checkInputCount(7...7)
        try call.check(0, [-1, 1, -1, -1], "x")
        let (n, h, dh) = (call.inputs[0].dim(0), call.inputs[0].dim(2), call.inputs[0].dim(3))
        try call.check(2, [n, 1, -1, -1], "B")
        let (groups, ds) = (call.inputs[2].dim(2), call.inputs[2].dim(3))
        try call.check(1, [h], "A_log")
        try call.check(3, [n, 1, groups, ds], "C")
        try call.check(4, [h], "D")
        try call.check(5, [n, 1, h], "dt")
        try call.check(6, [n, h, dh, ds], "the state")
        guard groups > 0, h % groups == 0 else {
            throw call.error(.shape, "\(h) heads do not fall into \(groups) groups")
        }
        let wide = call.inputs.map { $0.asType(.float32) }
        /// Each group's row for all of its heads, as (N, H, 1, Ds).
        func perHead(_ rows: MLXArray) -> MLXArray {
            repeated(rows, count: h / groups, axis: 2).reshaped([n, h, 1, ds])
        }
        let x = wide[0].reshaped([n, h, dh, 1])
        let dt = wide[5].reshaped([n, h, 1, 1])
        let decay = exp(-exp(wide[1]).reshaped([1, h, 1, 1]) * dt)
        let state = decay * wide[6] + x * dt * perHead(wide[2])
        let y =
            (state * perHead(wide[3])).sum(axis: -1, keepDims: true)
            + x * wide[4].reshaped([1, h, 1, 1])
        return [
            y.reshaped([n, 1, h, dh]).asType(call.outputDTypes[0]),
            state.asType(call.outputDTypes[1]),
        ]
    }

    /// The gated delta rule over a sequence (Yang, Kautz and Hatamizadeh, 2024,
    /// https://arxiv.org/abs/2412.06464). For each step S = g S; S = S + (v - S k) β kᵀ; y = S q.
    /// A head of v uses q and k of head hv / (Hv / Hk). Where the mask is false y is 0 and S stays.
    ///
    /// Inputs: q and k (B, T, Hk, Dk), v (B, T, Hv, Dv), g and β (B, T, Hv), S (B, Hv, Dv, Dk), T,
    /// and for the masked kernel the mask (B, T). Outputs: y (B, T, Hv, Dv), S.
    static let gatedDelta: Implementation = { call in
        let isMasked = call.name == "gated_delta_step_mask"
        try call.checkInputCount(isMasked ? 8...8 : 7...7)
        try call.check(0, [-1, -1, -1, -1], "q")
        try call.check(2, [-1, -1, -1, -1], "v")
        let (b, t) = (call.inputs[0].dim(0), call.inputs[0].dim(1))
        let (hk, dk) = (call.inputs[0].dim(2), call.inputs[0].dim(3))
        let (hv, dv) = (call.inputs[2].dim(2), call.inputs[2].dim(3))
        try call.check(1, [b, t, hk, dk], "k")
        try call.check(2, [b, t, hv, dv], "v")
        try call.check(3, [b, t, hv], "g")
        try call.check(4, [b, t, hv], "beta")
        try call.check(5, [b, hv, dv, dk], "the state")
        if isMasked { try call.check(7, [b, t], "the mask") }
        guard hk > 0, hv % hk == 0 else {
            throw call.error(.shape, "\(hv) heads of v do not fall to \(hk) heads of k")
        }
        let wide = call.inputs[..<6].map { $0.asType(.float32) }
        /// Heads of q or k for the heads of v, as (B, T, Hv, 1, Dk).
        func perHead(_ rows: MLXArray) -> MLXArray {
            repeated(rows, count: hv / hk, axis: 2).reshaped([b, t, hv, 1, dk])
        }
        let (q, k) = (perHead(wide[0]), perHead(wide[1]))
        let v = wide[2].reshaped([b, t, hv, dv, 1])
        let g = wide[3].reshaped([b, t, hv, 1, 1])
        let beta = wide[4].reshaped([b, t, hv, 1, 1])
        let mask = isMasked ? call.inputs[7].asType(.bool).reshaped([b, t, 1, 1, 1]) : nil
        var state = wide[5]
        var rows: [MLXArray] = []
        for step in 0..<t {
            let faded = state * g[0..., step]
            let error = v[0..., step] - (faded * k[0..., step]).sum(axis: -1, keepDims: true)
            let next = faded + error * beta[0..., step] * k[0..., step]
            let y = (next * q[0..., step]).sum(axis: -1)
            if let mask {
                let isOn = mask[0..., step]
                state = which(isOn, next, state)
                rows.append(which(isOn.reshaped([b, 1, 1]), y, 0))
            } else {
                state = next
                rows.append(y)
            }
        }
        let y = rows.isEmpty ? zeros([b, 0, hv, dv]) : stacked(rows, axis: 1)
        return [y.asType(call.outputDTypes[0]), state.asType(call.outputDTypes[1])]
    }
}
