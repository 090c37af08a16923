// Reference solutions of solutions/concurrency in C11 atomics: the same steps with the same orders.
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { TOP = 0, BOTTOM = 8, DONE = 16, EMPTY = 0 };
typedef _Atomic int64_t place;

static inline bool push(place *restrict ends, place *restrict ring, int64_t size, int64_t task) {
    int64_t bottom = atomic_load_explicit(&ends[BOTTOM], memory_order_relaxed);
    if (bottom - atomic_load_explicit(&ends[TOP], memory_order_acquire) >= size) return false;
    atomic_store_explicit(&ring[bottom & (size - 1)], task, memory_order_relaxed);
    atomic_store_explicit(&ends[BOTTOM], bottom + 1, memory_order_release);
    return true;
}

static inline int64_t take(place *restrict ends, place *restrict ring, int64_t size) {
    int64_t mine = atomic_load_explicit(&ends[BOTTOM], memory_order_relaxed) - 1;
    atomic_store_explicit(&ends[BOTTOM], mine, memory_order_relaxed);
    atomic_thread_fence(memory_order_seq_cst);
    int64_t oldest = atomic_load_explicit(&ends[TOP], memory_order_relaxed);
    if (oldest < mine) return atomic_load_explicit(&ring[mine & (size - 1)], memory_order_relaxed);
    bool won = oldest == mine && atomic_compare_exchange_strong_explicit(
        &ends[TOP], &(int64_t){oldest}, oldest + 1, memory_order_seq_cst, memory_order_seq_cst);
    atomic_store_explicit(&ends[BOTTOM], mine + 1, memory_order_relaxed);
    return won ? atomic_load_explicit(&ring[mine & (size - 1)], memory_order_relaxed) : EMPTY;
}

int64_t own(int64_t me, place *restrict ends, place *restrict ring, const int64_t *restrict tasks,
            int64_t *restrict kept, int64_t *restrict stolen, int64_t batch, int64_t tries, int64_t size,
            int64_t count, int64_t room) {
    int64_t got = 0;
    for (int64_t first = 0; first < count; first += batch) {
        for (int64_t k = first; k < first + batch; k++) push(ends, ring, size, tasks[k]);
        for (int64_t k = 0; k < batch; k++) {
            int64_t task = take(ends, ring, size);
            if (task > EMPTY && got < room) kept[got++] = task;
        }
    }
    atomic_store_explicit(&ends[DONE], 1, memory_order_release);
    return got;
}
