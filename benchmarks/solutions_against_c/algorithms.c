// Reference solutions of solutions/algorithms in C: the same algorithms, loop for loop, with memory of their own.
#include <math.h>
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

static float drive(int64_t raw, double gamma) {
    double wanted = raw / 4095.0, low = 0, high = 1;
    for (int step = 0; step < 24; step++) {
        double middle = (low + high) / 2;
        if (0.2 * middle + 0.8 * pow(middle, gamma) < wanted) low = middle;
        else high = middle;
    }
    return (float)low;
}

void convert(const uint16_t *restrict raw, double gamma, float *restrict out, int64_t n) {
    if (n <= 4096) {
        for (int64_t i = 0; i < n; i++) out[i] = drive(raw[i], gamma);
        return;
    }
    float table[4096];
    for (int64_t value = 0; value < 4096; value++) table[value] = drive(value, gamma);
    for (int64_t i = 0; i < n; i++) out[i] = table[raw[i]];
}
