import MLXBase
import MLXGraph
import MLXOps

/// Pass 2. Groups elementwise nodes of one shape into clusters, each of which becomes one tape.
/// A node joins a cluster of its users when all its other users come after the cluster's sink: what
/// they make cannot be read inside, so no cluster can depend on itself. The tape stores such nodes
/// on the way, as it does those that are wanted themselves.
extension PlanBuilder {
    /// Distinct constants and one-element arrays that a cluster of larger arrays may read: each
    /// takes a tile of scratch.
    private static let maximumScalars: Int32 = 24

    /// Who reads a node, of those seen so far: the last ones first.
    private struct Users {
        /// The cluster of theirs whose sink comes first; -1 for none.
        var cluster: Int32 = -1
        /// The first of them in that cluster.
        var inside: Int32 = .max
        /// The first of all others.
        var outside: Int32 = .max
    }

    mutating func fuse(_ graph: borrowing Subgraph) {
        var users = [Users](repeating: Users(), count: nodeCount)
        var sizes: [Int32] = []
        var scalars: [Int32] = []
        for node in (0..<nodeCount).reversed()
        where isLive[node] && canonical[node] == Int32(node) && !graph.isLeaf(node) {
            var cluster: Int32 = -1
            if OpTable.elementwiseCodes[Int(graph.ops[node].raw)] != -1 {
                cluster = joinable(users[node], node, graph, sizes, scalars)
                if cluster >= 0 {
                    isShared[node] = users[node].outside != .max
                } else {
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
                note(Int32(node), in: cluster, &users[source])
            }
        }
        listMembers(sizes)
    }

    /// Adds a user that comes before all that were noted.
    private func note(_ user: Int32, in cluster: Int32, _ users: inout Users) {
        if cluster >= 0 && users.cluster == cluster {
            users.inside = user
        } else if cluster >= 0
            && (users.cluster < 0 || clusterSink[Int(cluster)] < clusterSink[Int(users.cluster)])
        {
            users.outside = min(users.outside, users.inside)
            (users.cluster, users.inside) = (cluster, user)
        } else {
            users.outside = user
        }
    }

    private func joinable(
        _ users: Users, _ node: Int, _ graph: borrowing Subgraph, _ sizes: [Int32],
        _ scalars: [Int32]
    ) -> Int32 {
        let cluster = users.cluster
        guard cluster >= 0 else { return -1 }
        let sink = Int(clusterSink[Int(cluster)])
        guard users.outside > Int32(sink), graph.shapes[sink] == graph.shapes[node],
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
