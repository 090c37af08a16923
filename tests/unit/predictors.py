"""The predictors once more, in plain Python, written from their definitions and as slow as they are plain."""


class Counter:
    """A saturating counter that begins weakly taken."""

    def __init__(self, bits):
        self.most, self.half = 2**bits - 1, 2 ** (bits - 1)
        self.value = self.half

    def taken(self):
        return self.value >= self.half

    def learn(self, up):
        self.value = min(self.value + 1, self.most) if up else max(self.value - 1, 0)


class Bimodal:
    def __init__(self, entries, bits):
        self.table = [Counter(bits) for _ in range(entries)]

    def predict(self, pc):
        return self.table[pc % len(self.table)].taken()

    def learn(self, pc, taken):
        self.table[pc % len(self.table)].learn(taken)


class History(Bimodal):
    """Counters by what `key(pc, outcomes)` says; outcomes are a string of 0 and 1, the newest last."""

    def __init__(self, entries, bits, length, key):
        super().__init__(entries, bits)
        self.length, self.key = length, key
        self.outcomes = "0" * length

    def predict(self, pc):
        return super().predict(self.key(pc, self.outcomes))

    def learn(self, pc, taken):
        super().learn(self.key(pc, self.outcomes), taken)
        self.outcomes = (self.outcomes + "01"[taken])[-self.length :]


def gshare(history, entries, bits):
    return History(entries, bits, history, lambda pc, outcomes: pc ^ int(outcomes, 2))


def two_level_global(history, bits):
    return History(2**history, bits, history, lambda pc, outcomes: int(outcomes, 2))


class Local:
    def __init__(self, history, entries, bits):
        self.own = ["0" * history for _ in range(entries)]
        self.patterns = {f"{n:0{history}b}": Counter(bits) for n in range(2**history)}

    def predict(self, pc):
        return self.patterns[self.own[pc % len(self.own)]].taken()

    def learn(self, pc, taken):
        slot = pc % len(self.own)
        self.patterns[self.own[slot]].learn(taken)
        self.own[slot] = self.own[slot][1:] + "01"[taken]


class Tournament:
    def __init__(self, first, second, entries, bits):
        self.first, self.second = first, second
        self.believe_second = [Counter(bits) for _ in range(entries)]

    def predict(self, pc):
        chosen = self.second if self.believe_second[pc % len(self.believe_second)].taken() else self.first
        return chosen.predict(pc)

    def learn(self, pc, taken):
        one, other = self.first.predict(pc), self.second.predict(pc)
        if one != other:
            self.believe_second[pc % len(self.believe_second)].learn(other == taken)
        self.first.learn(pc, taken)
        self.second.learn(pc, taken)


class Tage:
    def __init__(self, base, histories, entries, tag, bits, useful, period):
        self.base, self.histories, self.entries = base, histories, entries
        self.tag_bits, self.bits, self.most_useful, self.period = tag, bits, 2**useful - 1, period
        self.tables = [{} for _ in histories]  # slot -> [tag, Counter, useful]
        self.outcomes = [0] * histories[-1]  # the newest first
        self.learned = 0

    def folded(self, bits_of_word, width):
        """Bit k of a word lands on bit k % width."""
        total = 0
        for k, bit in enumerate(bits_of_word):
            total ^= bit << (k % width)
        return total

    def places(self, pc):
        width = self.entries.bit_length() - 1
        for length in self.histories:
            recent = self.outcomes[:length]
            slot = (pc ^ self.folded(recent, width)) % self.entries
            yield slot, (pc ^ self.folded(recent[::-1], self.tag_bits)) % 2**self.tag_bits

    def matches(self, pc):
        """From the longest history to the shortest."""
        found = []
        for table, (slot, tag) in zip(self.tables, self.places(pc), strict=True):
            if slot in table and table[slot][0] == tag:
                found.insert(0, table[slot])
        return found

    def predict(self, pc):
        matches = self.matches(pc)
        return matches[0][1].taken() if matches else self.base.predict(pc)

    def learn(self, pc, taken):
        matches = self.matches(pc)
        guess = self.predict(pc)
        other = matches[1][1].taken() if len(matches) > 1 else self.base.predict(pc)
        self.base.learn(pc, taken)
        provider = -1
        if matches:
            provider = next(
                t for t, table in enumerate(self.tables) if any(e is matches[0] for e in table.values())
            )
            matches[0][1].learn(taken)
            if guess != other:
                step = 1 if guess == taken else -1
                matches[0][2] = min(max(matches[0][2] + step, 0), self.most_useful)
        if guess != taken:
            longer = list(enumerate(self.places(pc)))[provider + 1 :]
            for t, (slot, tag) in longer:
                if slot not in self.tables[t] or self.tables[t][slot][2] == 0:
                    counter = Counter(self.bits)
                    counter.value = counter.half if taken else counter.half - 1
                    self.tables[t][slot] = [tag, counter, 0]
                    break
            else:
                for t, (slot, _) in longer:
                    self.tables[t][slot][2] -= 1
        self.learned += 1
        if self.learned % self.period == 0:
            for table in self.tables:
                for entry in table.values():
                    entry[2] = max(entry[2] - 1, 0)
        self.outcomes = [int(taken), *self.outcomes[:-1]]


def predictions(predictor, addresses, outcomes):
    """Return what a predictor says, branch by branch."""
    said = []
    for pc, taken in zip(addresses.tolist(), outcomes.tolist(), strict=True):
        said.append(predictor.predict(pc))
        predictor.learn(pc, taken)
    return said
