/* Trains a perceptron on drawn digits through the C interface alone, and says how well it does.
 *
 *     cc -std=c11 -I Sources/CMLXInterface Tests/CABI/digits.c -o digits -L FOLDER -lCMLX -lm
 *
 * The digits are 5 x 7 letters on 8 x 9 fields, moved and with noise, so nothing has to be loaded.
 * Ends with 0 if the loss fell, unseen digits are told apart, failures are failures and no array
 * is left.
 */
#include "cmlx.h"

#include <stdio.h>

enum { WIDTH = 8, HEIGHT = 9, PIXELS = WIDTH * HEIGHT, HIDDEN = 32, CLASSES = 10, BATCH = 128 };
enum { WEIGHTS, BIASES, OUT_WEIGHTS, OUT_BIASES, PARAMETERS };

static const char *const letters[CLASSES] = {
    "01110100011001110101110011000101110", "00100011000010000100001000010001110",
    "01110100010000100010001000100011111", "11111000100010000010000011000101110",
    "00010001100101010010111110001000010", "11111100001111000001000011000101110",
    "00110010001000011110100011000101110", "11111000010001000100010000100001000",
    "01110100011000101110100011000101110", "01110100011000101111000010001001100",
};

/* The program ends at the first call that fails when it should not. */
#define CHECK(condition) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #condition, \
                    cmlx_error_message()); \
            exit(1); \
        } \
    } while (0)

/* - Data - */

static uint64_t seed = 1;

static float uniform(void) {
    seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return (float)(seed >> 40) / (float)(1 << 24);
}

static void draw(float *pixels, int32_t digit) {
    int left = (int)(uniform() * (WIDTH - 5 + 1)), top = (int)(uniform() * (HEIGHT - 7 + 1));
    for (int pixel = 0; pixel < PIXELS; pixel++)
        pixels[pixel] = 0.4f * uniform();
    for (int row = 0; row < 7; row++)
        for (int column = 0; column < 5; column++)
            if (letters[digit][5 * row + column] == '1')
                pixels[(top + row) * WIDTH + left + column] += 0.6f;
}

/* Digits and their classes, as arrays. */
static void draw_batch(cmlx_array *images, cmlx_array *classes) {
    static float pixels[BATCH * PIXELS];
    static int32_t digits[BATCH];
    for (int example = 0; example < BATCH; example++) {
        digits[example] = (int32_t)(uniform() * CLASSES);
        draw(pixels + example * PIXELS, digits[example]);
    }
    *images = cmlx_copy(pixels, CMLX_FLOAT32, (int64_t[]){BATCH, PIXELS}, 2);
    *classes = cmlx_copy(digits, CMLX_INT32, (int64_t[]){BATCH, 1}, 2);
    CHECK(*images && *classes);
}

/* - Functions by name - */

static cmlx_argument array(cmlx_array x) {
    return (cmlx_argument){.kind = CMLX_ARRAY, .value.array = x};
}

static cmlx_argument integer(int64_t value) {
    return (cmlx_argument){.kind = CMLX_INTEGER, .value.integer = value};
}

/* The only result of a function. */
static cmlx_array call(const char *name, const cmlx_argument *arguments, int32_t count) {
    cmlx_list results;
    cmlx_list_init(&results);
    CHECK(cmlx_call(cmlx_function(name), arguments, count, &results) == 0);
    CHECK(results.count == 1);
    return cmlx_list_arrays(&results)[0];
}

static cmlx_array product(cmlx_array a, cmlx_array b) {
    return call("matmul", (cmlx_argument[]){array(a), array(b)}, 2);
}

/* Takes the first array over. */
static cmlx_array binary(const char *name, cmlx_array a, cmlx_array b) {
    cmlx_array result = cmlx_binary(cmlx_operation(name), a, b);
    CHECK(result);
    cmlx_release(a);
    return result;
}

static cmlx_array with_number(const char *name, cmlx_array a, double number) {
    cmlx_scalar scalar = {.kind = CMLX_SCALAR_REAL, .real = number};
    cmlx_array result = cmlx_binary_scalar(cmlx_operation(name), a, scalar, 0);
    CHECK(result);
    return result;
}

static double number(cmlx_array x) {
    cmlx_contents contents;
    CHECK(cmlx_evaluate(&x, 1) == 0 && cmlx_read(x, &contents) == 0);
    return contents.dtype == CMLX_FLOAT32 ? *(float *)contents.bytes : *(int32_t *)contents.bytes;
}

/* - The model - */

static cmlx_array logits(const cmlx_array *parameters, cmlx_array images) {
    cmlx_array hidden = binary("add", product(images, parameters[WEIGHTS]), parameters[BIASES]);
    cmlx_array active = with_number("maximum", hidden, 0);
    cmlx_release(hidden);
    cmlx_array result =
        binary("add", product(active, parameters[OUT_WEIGHTS]), parameters[OUT_BIASES]);
    cmlx_release(active);
    return result;
}

typedef struct {
    cmlx_array images, classes;
} Batch;

/* The mean cross entropy of a batch: the inputs are the parameters. */
static int32_t loss(void *context, const cmlx_array *inputs, int32_t count, cmlx_list *outputs) {
    const Batch *batch = context;
    if (count != PARAMETERS) return -1;
    cmlx_array scores = logits(inputs, batch->images);
    for (int32_t index = 0; index < count; index++)
        cmlx_release(inputs[index]);
    cmlx_array chosen = call(
        "take_along_axis", (cmlx_argument[]){array(scores), array(batch->classes), integer(1)}, 3);
    cmlx_argument keep = {.kind = CMLX_BOOLEAN, .value.integer = 1};
    cmlx_array all =
        call("logsumexp", (cmlx_argument[]){array(scores), integer(1), keep}, 3);
    cmlx_release(scores);
    cmlx_array difference = binary("subtract", all, chosen);
    cmlx_release(chosen);
    cmlx_argument none = {.kind = CMLX_NONE}, drop = {.kind = CMLX_BOOLEAN};
    cmlx_array mean = call("mean", (cmlx_argument[]){array(difference), none, drop}, 3);
    cmlx_release(difference);
    return cmlx_list_append(outputs, mean);
}

/* Small numbers for the weights, 0 for the biases. */
static void initialize(cmlx_array *parameters) {
    static float numbers[PIXELS * HIDDEN];
    const int64_t shapes[PARAMETERS][2] = {
        {PIXELS, HIDDEN}, {1, HIDDEN}, {HIDDEN, CLASSES}, {1, CLASSES}};
    for (int index = 0; index < PARAMETERS; index++) {
        for (int64_t place = 0; place < shapes[index][0] * shapes[index][1]; place++)
            numbers[place] = shapes[index][0] == 1 ? 0 : 0.2f * (uniform() - 0.5f);
        parameters[index] = cmlx_copy(numbers, CMLX_FLOAT32, shapes[index], 2);
        CHECK(parameters[index]);
    }
}

/* One step of gradient descent on a batch of its own; the loss before it. */
static double train(cmlx_array *parameters, double rate) {
    const int32_t wanted[PARAMETERS] = {0, 1, 2, 3};
    Batch batch;
    draw_batch(&batch.images, &batch.classes);
    cmlx_list outputs, gradients;
    cmlx_list_init(&outputs);
    cmlx_list_init(&gradients);
    CHECK(cmlx_value_and_grad(loss, &batch, parameters, PARAMETERS, wanted, PARAMETERS, &outputs,
                              &gradients) == 0);
    for (int index = 0; index < PARAMETERS; index++) {
        cmlx_array gradient = cmlx_list_arrays(&gradients)[index];
        cmlx_array step = with_number("multiply", gradient, rate);
        parameters[index] = binary("subtract", parameters[index], step);
        cmlx_release(step);
        cmlx_release(gradient);
    }
    CHECK(cmlx_evaluate(parameters, PARAMETERS) == 0);
    cmlx_array value = cmlx_list_arrays(&outputs)[0];
    double result = number(value);
    cmlx_release(value);
    cmlx_list_free(&outputs);
    cmlx_list_free(&gradients);
    cmlx_release(batch.images);
    cmlx_release(batch.classes);
    return result;
}

/* The share of a new batch that is told apart. */
static double accuracy(const cmlx_array *parameters) {
    Batch batch;
    draw_batch(&batch.images, &batch.classes);
    cmlx_argument keep = {.kind = CMLX_BOOLEAN, .value.integer = 1};
    cmlx_array scores = logits(parameters, batch.images);
    cmlx_array best = call("argmax", (cmlx_argument[]){array(scores), integer(1), keep}, 3);
    cmlx_array equal = binary("equal", best, batch.classes);
    cmlx_argument none = {.kind = CMLX_NONE}, drop = {.kind = CMLX_BOOLEAN};
    cmlx_array mean = call("mean", (cmlx_argument[]){array(equal), none, drop}, 3);
    double result = number(mean);
    const cmlx_array all[] = {scores, equal, mean, batch.images, batch.classes};
    for (size_t index = 0; index < sizeof all / sizeof *all; index++)
        cmlx_release(all[index]);
    return result;
}

/* - Failures - */

static int32_t watch(void *context) {
    *(int *)context += 1;
    return 0;
}

/* What cannot be done is a failure with a kind and words, and nothing ends. */
static void fail(void) {
    const float numbers[6] = {1, 2, 3, 4, 5, 6};
    cmlx_array x = cmlx_copy(numbers, CMLX_FLOAT32, (int64_t[]){2, 3}, 2);
    cmlx_list results;
    cmlx_list_init(&results);
    cmlx_argument both[2] = {array(x), array(x)};
    CHECK(cmlx_call(cmlx_function("matmul"), both, 2, &results) == -1 && results.count == 0);
    CHECK(cmlx_error_kind() == CMLX_ERROR_ARGUMENT && strstr(cmlx_error_message(), "[matmul]"));
    cmlx_argument wrong[3] = {array(x), integer(2), {.kind = CMLX_BOOLEAN}};
    CHECK(cmlx_call(cmlx_function("sum"), wrong, 3, &results) == -1);
    CHECK(cmlx_error_kind() == CMLX_ERROR_AXIS);
    CHECK(cmlx_function("no such function") == -1 && cmlx_operation("matmul") == -1);
    CHECK(cmlx_call(-1, both, 2, &results) == -1);
    CHECK(cmlx_call(cmlx_function("matmul"), NULL, 0, &results) == -1);
    CHECK(cmlx_reshape(x, (int64_t[]){4, 2}, 2) == 0 && cmlx_reshape(0, NULL, 0) == 0);
    CHECK(cmlx_copy(numbers, 99, NULL, 0) == 0);
    CHECK(!cmlx_load("/no such file.npy", "npy") && cmlx_error_kind() == CMLX_ERROR_FILE);
    cmlx_array y = cmlx_reshape(x, (int64_t[]){3, -1}, 2);
    int asked = 0;
    CHECK(y && cmlx_rank(y) == 2 && cmlx_shape(y)[1] == 2);
    CHECK(cmlx_evaluate_watched(&y, 1, watch, &asked) == 0 && cmlx_is_evaluated(y));
    CHECK(cmlx_evaluate_async(&y, 1) == 0 && cmlx_synchronize() == 0);
    cmlx_release(x);
    cmlx_release(y);
}

int main(void) {
    CHECK(cmlx_version() == CMLX_VERSION);
    int64_t before = cmlx_node_count();
    fail();
    cmlx_array parameters[PARAMETERS];
    initialize(parameters);
    double first = train(parameters, 0.5), last = first;
    for (int step = 1; step < 1200; step++)
        last = train(parameters, 0.5);
    double share = accuracy(parameters);
    for (int index = 0; index < PARAMETERS; index++)
        cmlx_release(parameters[index]);
    int64_t left = cmlx_node_count() - before;
    printf("loss %.3f to %.3f, accuracy %.3f, arrays left %lld\n", first, last, share,
           (long long)left);
    return last < 0.5 * first && share > 0.9 && left == 0 ? 0 : 1;
}
