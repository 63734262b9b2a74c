// Films recommended from ratings: matrix factorisation with biases (Koren, Bell, Volinsky 2009), and a two-tower
// network (Covington, Adams, Sargin 2016 and others), whose towers read features of people and films besides their ids.
// Debian has real ratings only in R's own format, so these are synthetic: tastes and genres interact through a few
// latent numbers, some people rate more kindly than others, some films are better and seen more often, and the sum is
// rounded to one to five stars. The baseline uses only means: the overall mean, and those of each person and each film.

#include <autodiff/autodiff.hpp>
#include <nn/nn.hpp>

#include <array>
#include <cmath>

#include <fmt/core.h>

#include <example.hpp>

using namespace xgrad;

namespace {

constexpr std::array genres = {"comedy", "drama", "thriller", "romance", "science", "western"};
constexpr auto genre_count = static_cast<std::int64_t>(genres.size());

struct Ratings {
    Tensor who, what, stars;  // (N) i64, (N) i64, (N) f32
};
struct World {
    std::int64_t people, films;
    Tensor genre;  // (films) i64, one per film
    Tensor ages;  // (people, 4), one_hot: age groups, which like different genres
    Ratings train, test, fresh;  // fresh: ratings of films that have no training ratings
};

World make_world(std::int64_t people, std::int64_t films, std::int64_t each, Generator& generator) {
    World world{
        people, films, randint(0, genre_count, {films}, generator), one_hot(randint(0, 4, {people}, generator), 4), {},
        {},     {}};
    constexpr std::int64_t hidden = 4;
    const Tensor of_genre = randn({genre_count, hidden}, generator), of_age = randn({4, hidden}, generator);
    const Tensor taste = 0.6 * matmul(world.ages, of_age) + 0.8 * randn({people, hidden}, generator);
    const Tensor trait = 0.8 * take(of_genre, world.genre) + 0.5 * randn({films, hidden}, generator);
    const Tensor kindness = 0.4 * randn({people}, generator), quality = 0.5 * randn({films}, generator);
    // Each pair is rated with a probability that decreases with the film's rank.
    const Tensor rank = permutation(films, generator).to(DType::f32);
    const Tensor popularity = 1.0 / (rank + 10.0);
    const Tensor chance = static_cast<double>(each) * popularity / sum(popularity);
    const Tensor pairs = argwhere(rand({people, films}, generator) < chance);
    const Tensor who = select(pairs, 1, 0), what = select(pairs, 1, 1);
    const Tensor score = 3.4 + take(kindness, who) + take(quality, what) +
                         0.45 * sum(take(taste, who) * take(trait, what), 1) + 0.5 * randn({who.size()}, generator);
    const Tensor stars = clip(round(score), 1, 5);
    const Tensor is_fresh = what % 10 == 0, draw = rand({who.size()}, generator) < 0.8;
    const auto part = [&](const Tensor& mask) {
        return Ratings{masked_select(who, mask), masked_select(what, mask), masked_select(stars, mask)};
    };
    world.train = part(logical_and(logical_not(is_fresh), draw));
    world.test = part(logical_and(logical_not(is_fresh), logical_not(draw)));
    world.fresh = part(is_fresh);
    return world;
}

// Each model predicts stars for pairs of ids.

struct Biases {
    explicit Biases(const World& world)
        : person(zeros({world.people})), film(zeros({world.films})), all(mean(world.train.stars)) {}
    Tensor operator()(const Tensor& who, const Tensor& what) const {
        return all + take(person, who) + take(film, what);
    }
    Parameter person, film;
    Tensor all;
    XGRAD_FIELDS(person, film, all)
};

struct Factors {
    Factors(const World& world, std::int64_t width)
        : biases(world), person(world.people, width), film(world.films, width) {
        for (Parameter* p : {&person.weight, &film.weight}) nn::init::normal(*p, 0, 0.1);
    }
    Tensor operator()(const Tensor& who, const Tensor& what) const {
        return biases(who, what) + sum(person(who) * film(what), 1);
    }
    Biases biases;
    nn::Embedding person, film;
    XGRAD_FIELDS(biases, person, film)
};

/// Each tower maps the embedding of an id and the additional features to a vector.
struct TwoTowers {
    TwoTowers(const World& world, std::int64_t width)
        : biases(world),
          person(world.people, width),
          film(world.films, width),
          ages(world.ages),
          kinds(one_hot(world.genre, genre_count)),
          left(nn::Linear(4, 32), nn::ReLU(), nn::Linear(32, width)),
          right(nn::Linear(genre_count, 32), nn::ReLU(), nn::Linear(32, width)),
          level(genre_count, 1) {
        for (Parameter* p : {&person.weight, &film.weight}) nn::init::normal(*p, 0, 0.02);
        nn::init::zeros(level.weight);
    }
    Tensor people_side(const Tensor& who) const { return person(who) + left(take(ages, who)); }
    Tensor films_side(const Tensor& what) const { return film(what) + right(take(kinds, what)); }
    Tensor operator()(const Tensor& who, const Tensor& what) const {
        return biases(who, what) + squeeze(level(take(kinds, what)), 1) + sum(people_side(who) * films_side(what), 1);
    }
    Biases biases;
    nn::Embedding person, film;
    Tensor ages, kinds;
    nn::Sequential left, right;
    nn::Linear level;
    XGRAD_FIELDS(biases, person, film, ages, kinds, left, right, level)
};

template <class M>
double rmse(const M& model, const Ratings& ratings) {
    return std::sqrt(nn::mse_loss(clip(model(ratings.who, ratings.what), 1, 5), ratings.stars).item());
}

/// The errors on the test ratings by epoch.
template <class M>
std::vector<double> train(M& model, const World& world, std::int64_t epochs, double decay) {
    nn::DataLoader loader(nn::TensorDataset(world.train.who, world.train.what, world.train.stars),
                          {.batch_size = 256, .shuffle = true});
    nn::AdamW adam({.lr = 1e-2, .weight_decay = decay});
    nn::CosineAnnealingLR schedule(adam, epochs);
    nn::Trainer trainer(model, adam, {.epochs = epochs, .schedule = &schedule});
    std::vector<double> errors;
    trainer.on_epoch([&] { errors.push_back(rmse(model, world.test)); });
    trainer.fit(loader, [](const M& net, const auto& batch) {
        const auto& [who, what, stars] = batch;
        return nn::mse_loss(net(who, what), stars);
    });
    return errors;
}

/// The films' vectors, projected on the plane in which they vary most, coloured by genre.
nn::Plot map_of_films(const TwoTowers& towers, const World& world) {
    const Tensor vectors = towers.films_side(arange(world.films)), centred = vectors - mean(vectors, 0);
    const Tensor plane = matmul(centred, transpose(slice(svd(centred).vh, 0, 0, 2)));
    nn::Plot plot({.title = "Films as the right tower sees them",
                   .x = "first principal axis",
                   .y = "second",
                   .width = 700,
                   .height = 420});
    for (std::int64_t g = 0; g < genre_count; ++g) {
        const Tensor here = world.genre == g;
        plot.points(genres.at(static_cast<std::size_t>(g)), masked_select(select(plane, 1, 0), here),
                    masked_select(select(plane, 1, 1), here));
    }
    return plot;
}

}  // namespace

int main(int argc, char** argv) {
    Example example("recommender", "Predicts ratings by matrix factorisation with biases and by a two-tower network.");
    std::int64_t people = 1500, films = 500, each = 50, width = 8, epochs = 25;
    example.option("--people", people, "People who rate");
    example.option("--films", films, "Films that are rated; a tenth of them only after the training");
    example.option("--each", each, "Ratings of each person, on average");
    example.option("--width", width, "Numbers that stand for a person or a film");
    example.option("--epochs", epochs, "Passes over the training ratings");
    return example.run(argc, argv, [&] {
        if (example.brief()) people = 600, epochs = 10;
        example.note("The ratings are made up: Debian has real ones only in R's own format.");
        Generator generator(example.seed());
        const World world = make_world(people, films, each, generator);
        fmt::print("{} ratings to train on, {} to test, {} of films without one before\n", world.train.who.size(),
                   world.test.who.size(), world.fresh.who.size());
        Biases biases(world);
        Factors factors(world, width);
        TwoTowers towers(world, width);
        nn::Plot plot({.title = "Error on test ratings", .x = "epoch", .y = "root mean squared error in stars"});
        plot.line("biases alone", train(biases, world, epochs, 0.1))
            .line("matrix factorisation", train(factors, world, epochs, 0.1))
            .line("two towers", train(towers, world, epochs, 0.1));

        const double alone = rmse(biases, world.test), by_factors = rmse(factors, world.test),
                     by_towers = rmse(towers, world.test);
        const double fresh_alone = rmse(biases, world.fresh), fresh_towers = rmse(towers, world.fresh);
        example.figure("biases alone: error in stars", alone);
        example.figure("matrix factorisation: error in stars", by_factors);
        example.figure("two towers: error in stars", by_towers);
        example.figure("matrix factorisation: per cent below the biases", 100 * (1 - by_factors / alone),
                       {.at_least = 5, .brief_at_least = 2});
        example.figure("two towers: per cent below the biases", 100 * (1 - by_towers / alone),
                       {.at_least = 5, .brief_at_least = 2});
        example.figure("films never rated before, biases alone: error in stars", fresh_alone);
        example.figure("films never rated before, two towers by their genre: per cent below",
                       100 * (1 - fresh_towers / fresh_alone), {.at_least = 2});
        nn::Plot bars({.title = "Error in stars", .y_range = {{0, 1.4}}});
        bars.bars("films rated before", {"biases", "factors", "two towers"}, {alone, by_factors, by_towers})
            .bars("films never rated before", {"biases", "factors", "two towers"},
                  {fresh_alone, rmse(factors, world.fresh), fresh_towers});
        example.picture("errors.svg", "What the hidden numbers add to the means.", {plot, bars});
        example.picture("films.svg", "Nobody told the tower which genres are alike.", {map_of_films(towers, world)});
    });
}
