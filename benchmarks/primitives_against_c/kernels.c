// The kernels of primitives_against_c.py in C11 atomics: the same loops with the same memory orders, and no checks.
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { HEAD = 0, TAIL = 8 };  // on cache lines of their own

int64_t compare_exchange(_Atomic int64_t *restrict a, int64_t n) {
    int64_t done = 0, start = atomic_load_explicit(&a[0], memory_order_relaxed);
    for (int64_t i = start; i < start + n; i++) {
        int64_t expected = i;
        done += atomic_compare_exchange_strong_explicit(&a[0], &expected, i + 1, memory_order_seq_cst,
                                                        memory_order_seq_cst);
    }
    return done;
}

int64_t fetch_add(_Atomic int64_t *restrict a, int64_t n) {
    int64_t total = 0;
    for (int64_t i = 0; i < n; i++) total += atomic_fetch_add_explicit(&a[i & 7], i, memory_order_seq_cst);
    return total;
}

static inline bool push(_Atomic int64_t *restrict ends, int64_t *restrict slots, int64_t size, int64_t value) {
    int64_t tail = atomic_load_explicit(&ends[TAIL], memory_order_relaxed);
    if (tail - atomic_load_explicit(&ends[HEAD], memory_order_acquire) == size) return false;
    slots[tail & (size - 1)] = value;
    atomic_store_explicit(&ends[TAIL], tail + 1, memory_order_release);
    return true;
}

static inline bool pop(_Atomic int64_t *restrict ends, int64_t *restrict slots, int64_t size, int64_t *value) {
    int64_t head = atomic_load_explicit(&ends[HEAD], memory_order_relaxed);
    if (head == atomic_load_explicit(&ends[TAIL], memory_order_acquire)) return false;
    *value = slots[head & (size - 1)];
    atomic_store_explicit(&ends[HEAD], head + 1, memory_order_release);
    return true;
}

int64_t transfer(_Atomic int64_t *restrict ends, int64_t *restrict slots, int64_t n, int64_t size) {
    int64_t sent = 0, total = 0, value;
    while (sent < n) {
        while (sent < n && push(ends, slots, size, sent)) sent++;
        while (pop(ends, slots, size, &value)) total += value;
    }
    return total;
}

int64_t hand_over(_Atomic int64_t *restrict ends, int64_t *restrict slots, int64_t n, int64_t size) {
    int64_t total = 0;
    for (int64_t i = 0; i < n; i++) {
        int64_t value = 0;
        push(ends, slots, size, i);
        pop(ends, slots, size, &value);
        total += value;
    }
    return total;
}
