// Reference solutions of solutions/algorithms in C: the same algorithms, loop for loop, with memory of their own.
#include <stdint.h>
#include <stdlib.h>

int64_t distance(const int32_t *restrict a, const int32_t *restrict b, int64_t n, int64_t m) {
    int64_t *room = malloc(2 * (m + 1) * sizeof *room), *restrict above = room, *restrict row = room + m + 1;
    for (int64_t j = 0; j <= m; j++) above[j] = j;
    for (int64_t i = 0; i < n; i++) {
        int64_t left = i + 1;
        row[0] = left;
        for (int64_t j = 0; j < m; j++) {
            int64_t smallest = above[j] + (a[i] != b[j]);
            if (above[j + 1] + 1 < smallest) smallest = above[j + 1] + 1;
            left = smallest < left + 1 ? smallest : left + 1;
            row[j + 1] = left;
        }
        int64_t *swapped = above;
        above = row;
        row = swapped;
    }
    int64_t found = above[m];
    free(room);
    return found;
}

static uint16_t drive(int64_t value, const int32_t *response) {
    int64_t low = 0, high = 4095;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (response[middle] < value) low = middle + 1;
        else high = middle;
    }
    return (uint16_t)low;
}

static void convert_one(const uint16_t *restrict raw, const int32_t *restrict response, uint16_t *restrict out,
                        int64_t n) {
    if (n * 11 <= 3 * 4096) {
        for (int64_t i = 0; i < n; i++) out[i] = drive(raw[i], response);
        return;
    }
    uint16_t table[4096];
    int64_t level = 0;
    for (int64_t value = 0; value < 4096; value++) {
        while (response[level] < value) level++;
        table[value] = (uint16_t)level;
    }
    for (int64_t i = 0; i < n; i++) out[i] = table[raw[i]];
}

void convert(const uint16_t *restrict raw, const int64_t *restrict ends, const int32_t *restrict responses,
             uint16_t *restrict out, int64_t displays) {
    int64_t begin = 0;
    for (int64_t d = 0; d < displays; begin = ends[d++])
        convert_one(raw + begin, responses + 4096 * d, out + begin, ends[d] - begin);
}

double load(const uint8_t *restrict states, const double *restrict worth, double decay, int64_t n) {
    double two = decay * decay, four = two * two, leap = four * four, s[8] = {0}, found = 0;
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (int k = 0; k < 8; k++) s[k] = s[k] * leap + worth[states[i + k]];
    for (int k = 0; k < 8; k++) found = found * decay + s[k];
    for (; i < n; i++) found = found * decay + worth[states[i]];
    return found;
}

void fill(const uint8_t *restrict pattern, int64_t width, int64_t down, int64_t right, uint8_t *restrict out,
          int64_t rows, int64_t columns, int64_t n) {
    int64_t y = down % rows, begin = right % columns;
    for (int64_t first = 0; first < n; first += width) {
        const uint8_t *row = pattern + y * columns;
        int64_t end = first + width < n ? first + width : n, x = begin;
        for (int64_t k = first; k < end; k++) {
            out[k] = row[x];
            if (++x == columns) x = 0;
        }
        if (++y == rows) y = 0;
    }
}

static int64_t sort_counting(int64_t *restrict times, int64_t *restrict room, int64_t n) {
    int64_t crossings = 0;
    if (n <= 16) {
        for (int64_t i = 1; i < n; i++) {
            int64_t time = times[i], j = i;
            while (j > 0 && times[j - 1] > time) {
                times[j] = times[j - 1];
                j--;
            }
            times[j] = time;
            crossings += i - j;
        }
        return crossings;
    }
    int64_t middle = n / 2, rest = n - middle, i = 0, j = 0;
    const int64_t *left = times, *right = times + middle;
    crossings += sort_counting(times, room, middle);
    crossings += sort_counting(times + middle, room + middle, rest);
    for (int64_t k = 0; k < n; k++) {
        if (j == rest || (i < middle && left[i] <= right[j])) {
            room[k] = left[i++];
        } else {
            room[k] = right[j++];
            crossings += middle - i;
        }
    }
    for (int64_t k = 0; k < n; k++) times[k] = room[k];
    return crossings;
}

int64_t crossed(const int64_t *restrict times, int64_t n) {
    int64_t *copy = malloc(2 * n * sizeof *copy);
    for (int64_t i = 0; i < n; i++) copy[i] = times[i];
    int64_t crossings = sort_counting(copy, copy + n, n);
    free(copy);
    return crossings;
}
