// Models with whatever programs have besides their layers.
#include <any>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <variant>
using namespace xgrad;

struct Config {
    int width = 3;
    std::string name;
};
enum class Kind { one, two };

struct Furnished {
    std::string name, path;
    int count = 3;
    bool training = true;
    Kind kind = Kind::one;
    const char* label = "";
    void (*callback)(int) = nullptr;
    std::function<Tensor(const Tensor&)> activation;
    std::vector<int> sizes;
    std::filesystem::path file;
    Config config;
    nn::Linear layer{2, 3};
    nn::ReLU relu;
    nn::MaxPool2d pool{2};
    Tensor constant;
    std::optional<double> maybe;
    std::map<std::string, int> table;
    std::variant<int, std::string> either;
    std::any any;
    Shape shape;
    Generator generator{1};
    std::shared_ptr<int> shared;
    std::set<int> set;
    double array[3] = {};
    XGRAD_FIELDS(layer)
};
struct Scaled : Furnished {
    double factor = 2;
};
struct Wide : nn::Linear {
    using nn::Linear::Linear;
    double factor = 2;
};
struct Derived : Furnished {
    nn::Linear head{3, 1};
    XGRAD_FIELDS(layer, head)
};
struct Containers {
    nn::Linear a{2, 3};
    std::vector<nn::Linear> list;
    nn::Sequential sequence;
    std::unique_ptr<nn::Linear> owned;
    std::optional<nn::Linear> maybe;
    std::tuple<nn::Linear, int> pair{nn::Linear(1, 2), 0};
    std::array<nn::Linear, 1> array{nn::Linear(1, 2)};
    nn::Linear two[2] = {nn::Linear(1, 2), nn::Linear(1, 2)};
    std::map<std::string, nn::Linear> map;
    nn::ModuleDict<nn::Linear> dict;
    Tensor buffer;
    XGRAD_FIELDS(a, list, sequence, owned, maybe, pair, array, two, map, dict, buffer, nn::alias("b.weight", a.weight))
};
struct Tree {
    nn::Linear here{2, 3};
    std::vector<std::unique_ptr<Tree>> below;
    XGRAD_FIELDS(here, below)
};
struct Nothing {
    int n = 1;
    XGRAD_FIELDS()
};

template <class M>
void use(M& model) {
    nn::train(model);
    for (Parameter& p : nn::parameters(model)) p.freeze();
}
void accepted(Furnished& a, Scaled& b, Wide& c, Derived& d, Containers& e, Tree& f, Nothing& g) {
    use(a), use(b), use(c), use(d), use(e), use(f), use(g);
    auto list = nn::parameters(a);
    auto first = list.begin();
}
