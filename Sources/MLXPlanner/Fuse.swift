import MLXBase
import MLXGraph
import MLXOps

/// Pass 2. Groups elementwise nodes of one shape into clusters, each of which becomes one tape.
/// A node joins the cluster of its users when all of them are in the same one; so only a
/// cluster's sink is used outside it, and no cluster can depend on itself. Nodes that are wanted
/// themselves may be inside a cluster: the tape stores them on the way.
extension PlanBuilder {
    /// Distinct constants and one-element arrays that a cluster of larger arrays may read: each
    /// takes a tile of scratch.
    private static let maximumScalars: Int32 = 24

    mutating func fuse(_ graph: borrowing Subgraph) {
        // -1: no user seen yet, -2: users outside one cluster, else the cluster of all users.
        var userCluster = [Int32](repeating: -1, count: nodeCount)
        var sizes: [Int32] = []
        var scalars: [Int32] = []
        for node in (0..<nodeCount).reversed()
        where isLive[node] && canonical[node] == Int32(node) && !graph.isLeaf(node) {
            var cluster: Int32 = -2
            if OpTable.elementwiseCodes[Int(graph.ops[node].raw)] != -1 {
                cluster = joinable(userCluster[node], node, graph, sizes, scalars)
                if cluster < 0 {
                    cluster = Int32(clusterSink.count)
                    clusterSink.append(Int32(node))
                    sizes.append(0)
                    scalars.append(0)
                }
                clusterOf[node] = cluster
                sizes[Int(cluster)] += 1
            }
            for input in graph.inputs(of: node) {
                let source = Int(canonical[Int(input)])
                if cluster >= 0 && graph.shapes[source].size == 1 { scalars[Int(cluster)] += 1 }
                if userCluster[source] == -1 {
                    userCluster[source] = cluster
                } else if userCluster[source] != cluster {
                    userCluster[source] = -2
                }
            }
        }
        listMembers(sizes)
    }

    private func joinable(
        _ cluster: Int32, _ node: Int, _ graph: borrowing Subgraph, _ sizes: [Int32],
        _ scalars: [Int32]
    ) -> Int32 {
        guard cluster >= 0 else { return -1 }
        let sink = Int(clusterSink[Int(cluster)])
        guard graph.shapes[sink] == graph.shapes[node],
            graph.streams[sink] == graph.streams[node],
            sizes[Int(cluster)] < Int32(Planner.maximumTapeSteps),
            graph.shapes[node].size == 1
                || scalars[Int(cluster)] < PlanBuilder.maximumScalars
        else { return -1 }
        return cluster
    }

    /// Members of each cluster in topological order.
    private mutating func listMembers(_ sizes: [Int32]) {
        clusterStart = Array(repeating: 0, count: sizes.count + 1)
        for cluster in 0..<sizes.count {
            clusterStart[cluster + 1] = clusterStart[cluster] + sizes[cluster]
        }
        clusterMembers = Array(repeating: 0, count: Int(clusterStart.last ?? 0))
        var next = clusterStart
        for node in 0..<nodeCount where clusterOf[node] >= 0 {
            let cluster = Int(clusterOf[node])
            clusterMembers[Int(next[cluster])] = Int32(node)
            next[cluster] += 1
        }
    }
}
