// Models whose fields would be passed over, or cannot be.
using namespace xgrad;

struct Base {
    nn::Linear fc1{2, 3};
    XGRAD_FIELDS(fc1)
};

#if CASE == 1  // xgrad: XGRAD_FIELDS does not name every field
struct Model {
    nn::Linear a{2, 3}, b{3, 1};
    XGRAD_FIELDS(a)
};
#elif CASE == 2  // xgrad: XGRAD_FIELDS does not name every field
struct Model {
    std::string name;
    std::vector<nn::Linear> list;
    nn::Linear a{2, 3};
    XGRAD_FIELDS(a, name)
};
#elif CASE == 3  // xgrad: XGRAD_FIELDS does not name every field
struct Model : Base {
    Parameter w;
    XGRAD_FIELDS(w)
};
#elif CASE == 4  // xgrad: this model inherits XGRAD_FIELDS and adds fields
struct Model : Base {
    nn::Linear head{3, 1};
};
#elif CASE == 5  // xgrad: this model inherits XGRAD_FIELDS and adds fields
struct Model : Base {
    Model() {}
    nn::Linear head{3, 1};
};
#elif CASE == 6  // xgrad: XGRAD_FIELDS is private in this model
class Model {
    nn::Linear fc{2, 3};
    XGRAD_FIELDS(fc)
};
#elif CASE == 7  // xgrad: a raw pointer cannot be a field
struct Model {
    nn::Linear* fc = nullptr;
    XGRAD_FIELDS(fc)
};
#elif CASE == 8  // xgrad: not a model
struct Model {
    nn::Linear fc{2, 3};
};
#else
struct Model : Base {
    nn::Linear head{3, 1};
    std::string name;
    XGRAD_FIELDS(fc1, head)
};
#endif

void refused(Model& model) {
    nn::train(model);
#if CASE == 9  // deleted
    auto first = nn::parameters(model).begin();
#elif CASE == 10  // deleted
    auto last = nn::parameters(model).end();
#endif
}
