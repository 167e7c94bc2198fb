import Foundation
import Testing

/// `mlx bench` as scripts use it: names, lines, limits.
@Suite("Bench")
struct BenchTests {
    /// What other libraries are measured under, without the suffixes of their ways.
    private static let shared = """
        matmul_f32_64 matmul_f32_256 matmul_f32_512 matmul_f32_1024 matmul_f32_2048 gemm_m1_4096
        gemm_m1_4096_wT gemm_m16_4096 gemm_m16_4096_wT gemm_m32_4096 gemm_m32_4096_wT
        matmul_f16_1024 matmul_bf16_1024 gelu_chain muladd_16M exp_16M sum_16M softmax_4096x4096
        layernorm_4096x1024 transpose_copy_4096 chain1000_1 chain1000_16 indep1000_add_64x64
        conv2d_64x56x56_3x3 conv2d_stem_7x7s2 mlp_train block_infer gpt_train sdpa_causal_1024
        qmm_int8_m1 qmm_int8_m32 qmm_int4_m1 qmm_int4_m32 decode_cold_f32_m1 decode_cold_int8_m1
        decode_cold_int4_m1 autograd_100ops random_normal_16M sort_4M fft_1M_c64 svd_512
        cholesky_1024 solve_1024 lstm_fwd startup_process rss_100steps_2048
        """.split(whereSeparator: \.isWhitespace).map(String.init)

    private func lines(_ text: String) -> [String] {
        text.split(separator: "\n").map(String.init)
    }

    private func objects(_ text: String) throws -> [[String: Any]] {
        try lines(text).map {
            try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
    }

    @Test("Every workload that peers are measured with is there, each name once")
    func names() throws {
        let command = try Command("bench", "--list")
        #expect(command.status == 0)
        let names = lines(command.output)
        #expect(Set(names).count == names.count)
        #expect(Set(Self.shared).subtracting(names).isEmpty)
        let int8 = ["qmm_int8_int8act_m1", "qmm_int8_int8act_m32", "decode_cold_int8_int8act_m1"]
        #expect(Set(int8).isSubset(of: names))
    }

    @Test("A line of JSON has the peers' keys, and says how it was made")
    func json() throws {
        let command = try Command(
            "bench", "--only", "^(matmul_f32_64|chain1000_16|qmm_int8_int8act_m1)$", "--json",
            "--seconds", "0.01", "--no-limits")
        #expect(command.status == 0, "\(command.errors)")
        let rows = try objects(command.output)
        #expect(rows.count == 3)
        for row in rows {
            #expect(row["peer"] as? String == "mlx-actors")
            #expect(row["metric"] as? String == row["unit"] as? String)
            let value = try #require(row["value"] as? Double)
            let best = try #require(row["best_s"] as? Double)
            let median = try #require(row["median_s"] as? Double)
            #expect(value > 0 && best > 0 && median >= best)
            #expect(try #require(row["first_s"] as? Double) > 0)
            #expect(try #require(row["n"] as? Int) >= 1)
            #expect(row["isa"] is String)
            #expect(row["share"] == nil)
        }
        let product = try #require(rows.first { $0["workload"] as? String == "matmul_f32_64" })
        let (value, best) = (product["value"] as! Double, product["best_s"] as! Double)
        // Both are printed with six digits.
        let operations = value * best * 1e9
        #expect(abs(operations / 524_288 - 1) < 1e-4)
    }

    @Test("Cold weights take turns, and their figure is of one product")
    func cold() throws {
        let command = try Command(
            "bench", "--only", "^decode_cold_int8_int8act_m1$", "--json", "--seconds", "0.01",
            "--cold", "20", "--no-limits")
        #expect(command.status == 0, "\(command.errors)")
        let row = try #require(try objects(command.output).first)
        let (value, best) = (row["value"] as! Double, row["best_s"] as! Double)
        let microseconds = best * 1e6
        #expect(abs(value / microseconds - 1) < 1e-4)
    }

    @Test("A row says which part of the limit it reaches")
    func share() throws {
        let command = try Command(
            "bench", "--only", "^(matmul_f32_64|autograd_100ops)$", "--json", "--seconds", "0.02")
        #expect(command.status == 0, "\(command.errors)")
        for row in try objects(command.output) {
            let share = try #require(row["share"] as? Double)
            // The loops of the limits are not optimized in a debug build, libraries are.
            let isOptimizedAlike = row["workload"] as? String == "autograd_100ops"
            #expect(share > 0 && (share <= 1 || !isOptimizedAlike))
            #expect(["compute", "memory"].contains(row["bound"] as? String))
            #expect(try #require(row["flops"] as? Double) > 0)
            #expect(try #require(row["bytes"] as? Double) > 0)
        }
    }

    @Test("Limits are positive, and those of all cores are there")
    func limits() throws {
        let command = try Command(
            "bench", "limits", "--only", "^(peak_|mem_.*_L1_)", "--json", "--seconds", "0.005")
        #expect(command.status == 0, "\(command.errors)")
        let rows = try objects(command.output)
        #expect(rows.contains { ($0["workload"] as? String)?.hasPrefix("peak_f32_") == true })
        for kind in ["read", "write", "write_past", "copy", "copy_past", "triad", "triad_past"] {
            for streams in [1, 8] {
                let name = "mem_\(kind)_\(streams)_L1_1core"
                #expect(rows.contains { $0["workload"] as? String == name }, "\(name)")
            }
        }
        for row in rows {
            #expect(row["peer"] as? String == "limit")
            #expect(try #require(row["value"] as? Double) > 0)
        }
        // Each was measured by itself.
        #expect(Set(rows.map { "\($0["value"]!)" }).count > rows.count / 2)
    }

    @Test("Every level of cache and memory itself are walked through")
    func footprints() throws {
        let command = try Command("bench", "limits", "--list")
        #expect(command.status == 0)
        for place in ["L1", "L2", "cold"] {
            #expect(command.output.contains("mem_triad_8_\(place)_1core"))
        }
    }

    @Test("What makes no sense is usage, not a crash")
    func usage() throws {
        for arguments in [
            ["--only", "^no such workload$"], ["--seconds", "0"], ["--cold", "0"], ["peaks"],
            ["limits", "--only", "matmul"],
        ] {
            let command = try Command(limit: nil, ["bench"] + arguments)
            #expect(command.status != 0, "\(arguments)")
            #expect(!command.errors.isEmpty)
        }
    }
}
