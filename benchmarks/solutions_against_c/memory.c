// Reference solutions of solutions/memory in C: the same algorithms, loop for loop.
#include <stdint.h>

void turn(const uint32_t *restrict picture, uint32_t *restrict turned, int64_t height, int64_t width) {
    for (int64_t top = 0; top < height; top += 128)
        for (int64_t left = 0; left < width; left += 8) {
            int64_t bottom = top + 128 < height ? top + 128 : height;
            int64_t right = left + 8 < width ? left + 8 : width;
            for (int64_t y = top; y < bottom; y++)
                for (int64_t x = left; x < right; x++) turned[x * height + y] = picture[y * width + x];
        }
}
