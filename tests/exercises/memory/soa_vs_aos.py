"""Broken twins of memory/soa_vs_aos: answer source, and the points each tests cell may give (exact, or a range)."""

HEAD = "@njit{opt}\ndef advance(parts, dt):\n"
LAY = "def layout(): return {}\n".format
SOA = LAY('("x",), ("y",), ("vx",), ("vy",)')
NAIVE = "    table, = parts\n    for i in range(table.size):\n        table[i].x += table[i].vx * dt\n        table[i].y += table[i].vy * dt\n"
C, M, S = "soa_vs_aos_correct", "soa_vs_aos_misses", "soa_vs_aos_speed"
MUTANTS = {
    "naive": (LAY("(FIELDS,)") + HEAD.format(opt="") + NAIVE, {C: 3, M: 0, S: 0}),
    "wrong_but_fast": (
        SOA
        + HEAD.format(opt="")
        + "    x, y, vx, vy = parts\n    for i in range(x.size):\n        x[i] += vx[i] * dt\n",
        {C: 0, M: 0, S: 0},
    ),
    "wrong_lever": (
        LAY("(FIELDS,)")
        + HEAD.format(opt="(fastmath=True)")
        + "    table, = parts\n    for i in range(table.size):\n        e = table[i]\n        x = e.x + e.vx * dt\n        y = e.y + e.vy * dt\n        e.x = x\n        e.y = y\n",
        {C: 3, M: 0, S: 0},
    ),
    "half_way": (LAY("(FIELDS[:8],)") + HEAD.format(opt="") + NAIVE, {C: 3, M: (0.25, 1), S: (0, 3)}),
    "record16": (LAY("(FIELDS[:4],)") + HEAD.format(opt="") + NAIVE, {C: 3, M: 2, S: (0, 3)}),
    "numpy": (
        SOA + "def advance(parts, dt):\n    x, y, vx, vy = parts\n    x += vx * dt\n    y += vy * dt\n",
        {C: 3, M: (0, 2), S: (0, 3)},
    ),
    "two_loops": (
        SOA
        + HEAD.format(opt="")
        + "    x, y, vx, vy = parts\n    for i in range(x.size):\n        x[i] += vx[i] * dt\n    for i in range(y.size):\n        y[i] += vy[i] * dt\n",
        {C: 3, M: 2, S: 3},
    ),
    "memo": (
        LAY("(FIELDS,)")
        + "memo = {}\n@njit\ndef _slow(table, dt):\n"
        + NAIVE.split("\n", 1)[1]
        + "def advance(parts, dt):\n    table, = parts\n    key = (table.size, table['x'][:3].tobytes())\n    if key in memo:\n        np.copyto(table, memo[key])\n    else:\n        _slow(table, dt)\n        memo.clear(); memo[key] = table.copy()\n",
        {C: 3, M: 0, S: 0},
    ),
}
