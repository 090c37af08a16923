// The kernels of numba_against_c.py in C: the same algorithms, loop for loop. Strict IEEE arithmetic, but for the two
// sums, which both sides may reorder (see the flags in the script).
#include <stdint.h>

double reduction(const double *restrict a, int64_t n) {
    double total = 0;
    for (int64_t i = 0; i < n; i++) total += a[i];
    return total;
}

double dot(const double *restrict a, const double *restrict b, int64_t n) {
    double total = 0;
    for (int64_t i = 0; i < n; i++) total += a[i] * b[i];
    return total;
}

void triad(double *restrict a, const double *restrict b, const double *restrict c, double s, int64_t n) {
    for (int64_t i = 0; i < n; i++) a[i] = b[i] + s * c[i];
}

void transpose(const double *restrict a, double *restrict out, int64_t n) {
    for (int64_t ii = 0; ii < n; ii += 8)
        for (int64_t jj = 0; jj < n; jj += 8)
            for (int64_t i = ii; i < ii + 8; i++)
                for (int64_t j = jj; j < jj + 8; j++) out[j * n + i] = a[i * n + j];
}

void matmul(const double *restrict a, const double *restrict b, double *restrict c, int64_t n) {
    for (int64_t i = 0; i < n; i += 2) {
        double *c0 = c + i * n, *c1 = c0 + n;
        // A tile of two rows of c and four of b: each value that is loaded serves two or four multiplications. (With
        // one row of c, gcc makes a larger tile by itself, and LLVM does not.)
        for (int64_t k = 0; k < n; k += 4) {
            const double *x = a + i * n + k, *y = x + n;
            const double *b0 = b + k * n, *b1 = b0 + n, *b2 = b1 + n, *b3 = b2 + n;
            double x0 = x[0], x1 = x[1], x2 = x[2], x3 = x[3], y0 = y[0], y1 = y[1], y2 = y[2], y3 = y[3];
            for (int64_t j = 0; j < n; j++) {
                double p = b0[j], q = b1[j], r = b2[j], s = b3[j];
                double upper = c0[j] + x0 * p + x1 * q + x2 * r + x3 * s;
                double lower = c1[j] + y0 * p + y1 * q + y2 * r + y3 * s;
                c0[j] = upper;
                c1[j] = lower;
            }
        }
    }
}

int64_t compaction(const uint8_t *restrict priority, int32_t *restrict out, int64_t n) {
    int64_t kept = 0;
    for (int64_t i = 0; i < n; i++) {
        out[kept] = (int32_t)i;
        kept += priority[i] >= 128;
    }
    return kept;
}

int64_t escape(const uint8_t *restrict name, const uint8_t *restrict text, const uint8_t *restrict width,
               uint8_t *restrict out, int64_t n) {
    int64_t end = 0;
    for (int64_t i = 0; i < n; i++) {
        // Always three bytes, of which the next ones overwrite what was too much.
        const uint8_t *three = text + 3 * (int64_t)name[i];
        out[end] = three[0];
        out[end + 1] = three[1];
        out[end + 2] = three[2];
        end += width[name[i]];
    }
    return end;
}

void histogram(const uint8_t *restrict a, int64_t *restrict counts, int64_t n) {
    for (int64_t i = 0; i < n; i++) counts[a[i]]++;
}

int64_t chase(const int64_t *restrict next, int64_t steps) {
    int64_t at = 0;
    for (int64_t i = 0; i < steps; i++) at = next[at];
    return at;
}

int64_t mandelbrot(const double *restrict re, const double *restrict im, int64_t n, int64_t limit) {
    int64_t total = 0;
    for (int64_t k = 0; k < n; k++) {
        double x = 0, y = 0;
        int64_t steps = 0;
        while (steps < limit && x * x + y * y <= 4) {
            double next = x * x - y * y + re[k];
            y = 2 * x * y + im[k];
            x = next;
            steps++;
        }
        total += steps;
    }
    return total;
}

uint64_t checksum(const uint8_t *restrict a, int64_t n) {
    uint64_t low = 1, high = 0;
    for (int64_t start = 0; start < n; start += 4096) {
        int64_t stop = start + 4096 < n ? start + 4096 : n;
        for (int64_t i = start; i < stop; i++) {
            low += a[i];
            high += low;
        }
        low %= 65521;
        high %= 65521;
    }
    return high << 32 | low;
}

int64_t edit_distance(const uint8_t *restrict a, const uint8_t *restrict b, int64_t *restrict above,
                      int64_t *restrict row, int64_t n) {
    for (int64_t j = 0; j <= n; j++) above[j] = j;
    for (int64_t i = 0; i < n; i++) {
        int64_t left = i + 1;
        row[0] = left;
        for (int64_t j = 0; j < n; j++) {
            // What does not wait for the cell to the left comes first: the chain from cell to cell stays short.
            int64_t best = above[j] + (a[i] != b[j]);
            if (above[j + 1] + 1 < best) best = above[j + 1] + 1;
            left = best < left + 1 ? best : left + 1;
            row[j + 1] = left;
        }
        int64_t *swapped = above;
        above = row;
        row = swapped;
    }
    return above[n];
}

static uint64_t cycles(void) {
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#else
    uint64_t ticks;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
    return ticks;
#endif
}

int64_t stamped(const int64_t *restrict turns, uint64_t *restrict results, int64_t n) {
    int64_t back = 0;
    uint64_t before = cycles();
    for (int64_t i = 0; i < n; i++) {
        uint64_t state = i + 1;
        for (int64_t k = 0; k < turns[i]; k++) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
        }
        results[i] = state;
        uint64_t now = cycles();
        back += now < before;
        before = now;
    }
    return back;
}

void prefix_sum(const int64_t *restrict a, int64_t *restrict out, int64_t n) {
    int64_t total = 0;
    for (int64_t i = 0; i < n; i++) {
        total += a[i];
        out[i] = total;
    }
}
