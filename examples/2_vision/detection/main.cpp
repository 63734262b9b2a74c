// Object detection. A network looks at an image once and predicts, for each cell of a grid, whether the centre of an
// object is there, where its edges are and what it is (one stage, as in Redmon, Divvala, Girshick and Farhadi 2016;
// distances to the edges instead of anchors: Tian, Shen, Chen and He 2019). Non-maximum suppression keeps one box per
// object, and the result is measured by the mean average precision.
// needs: dataset-fashion-mnist

#include <autodiff/autodiff.hpp>
#include <nn/nn.hpp>

#include <fmt/core.h>

#include <example.hpp>

#include "detector.hpp"
#include "precision.hpp"
#include "scenes.hpp"

using namespace xgrad;

namespace {

/// The smoothed loss after each step.
std::vector<double> train(Detector& detector, const Pictures& clothes, std::int64_t steps, std::int64_t batch,
                          double lr) {
    nn::AdamW adam({.lr = lr, .weight_decay = 1e-2});
    nn::OneCycleLR schedule(adam, lr, {.total_steps = steps});
    nn::ProgressBar bar;
    bar.start("training", steps, "steps");
    nn::RunningMean smooth(0.95);
    std::vector<double> losses;
    for (std::int64_t step = 0; step < steps; ++step) {
        const Scenes scenes = make_scenes(clothes, batch, nn::default_generator());
        Tape tape;
        const Tensor loss = detection_loss(detector(scenes.images), scenes);
        adam.step(detector, tape.gradient(loss));
        schedule.step();
        smooth.update(loss.item());
        losses.push_back(smooth.value());
        if (bar.advance()) bar.show({{"loss", losses.back()}});
    }
    nn::eval(detector);
    return losses;
}

/// If several classes overlap, keeps the one with the highest score.
std::vector<Objects> surest(std::vector<Objects> found) {
    for (auto& [boxes, kinds, scores] : found) {
        const Tensor kept = nn::nms(boxes, scores, 0.5);
        boxes = take(boxes, kept, 0), kinds = take(kinds, kept), scores = take(scores, kept);
    }
    return found;
}

/// The first images with frames around the objects.
nn::Plot framed(const std::string& title, const Scenes& scenes, const std::vector<Objects>& objects, double least) {
    constexpr std::int64_t shown = 8;
    std::vector<nn::PictureBox> boxes;
    for (std::int64_t picture = 0; picture < shown; ++picture) {
        const auto& [places, kinds, scores] = objects[static_cast<std::size_t>(picture)];
        for (std::int64_t i = 0; i < kinds.size(); ++i) {
            const auto kind = kinds[i].item<std::int64_t>();
            if (scores.defined() && scores[i].item() < least) continue;
            const std::string name = fashion_classes[static_cast<std::size_t>(kind)];
            boxes.push_back({.picture = picture,
                             .left = places[i][0].item(),
                             .top = places[i][1].item(),
                             .right = places[i][2].item(),
                             .bottom = places[i][3].item(),
                             .name = scores.defined() ? fmt::format("{} {:.0f} %", name, 100 * scores[i].item()) : name,
                             .colour = static_cast<int>(kind)});
        }
    }
    nn::Plot plot({.title = title, .width = 1096});
    return plot.pictures(slice(scenes.images, 0, 0, shown), {.columns = 4, .boxes = boxes});
}

}  // namespace

int main(int argc, char** argv) {
    Example example("detection", "Finds several clothes in one picture, each with its box and its class.");
    std::int64_t steps = 1500, batch = 32;
    double lr = 4e-3;
    example.option("--steps", steps, "Training steps");
    example.option("--batch", batch, "Pictures of a step, each made when it is needed");
    example.option("--lr", lr, "AdamW's highest learning rate; it rises to it and falls again");
    return example.run(argc, argv, [&] {
        if (example.brief()) steps = 80;
        example.note(
            "The clothes are real; that several of them lie on one picture, at random sizes and places, is made up.");
        Detector detector;
        const std::vector<double> losses =
            train(detector, fashion_mnist("train", example.pick(60000, 6000)), steps, batch, lr);
        Generator generator(example.seed() + 1000);
        const Scenes test = make_scenes(fashion_mnist("t10k"), example.pick(1000, 100), generator);
        const std::vector<Objects> found = detect_all(detector, test.images, 0.02);

        const auto mean_of = [](const std::vector<PrecisionRecall>& curves) {
            double total = 0;
            for (const PrecisionRecall& curve : curves) total += curve.average_precision();
            return total / static_cast<double>(curves.size());
        };
        const std::vector<PrecisionRecall> curves = precision_recall(found, test.objects, 0.5, classes);
        nn::Plot loss({.title = "Loss, smoothed", .x = "step", .log_y = true, .width = 1096});
        loss.line("", losses);
        std::vector<nn::Plot> precision;
        for (std::size_t c = 0; c < curves.size(); ++c) {
            if (c % 5 == 0)
                precision.emplace_back(nn::PlotOptions{
                    .title = c == 0 ? "Precision and recall, the first five classes" : "The other five classes",
                    .x = "recall",
                    .y = "precision",
                    .x_range = {{0, 1}},
                    .y_range = {{0, 1}}});
            precision.back().line(fashion_classes[c], curves[c].recall, curves[c].precision);
        }
        example.picture("found.svg", "Test pictures with what the detector found in them and how sure it is.",
                        {framed("Found, with a score of at least 30 %", test, surest(found), 0.3)}, 1);
        example.picture("there.svg", "The same pictures with what is in them.",
                        {framed("What is there", test, test.objects, 0)}, 1);
        example.picture("loss.svg", "How it learned.", {loss}, 1);
        example.picture("precision.svg",
                        "How many of its boxes are right, and how much of what is there they find, in test pictures.",
                        precision);
        for (std::size_t c = 0; c < curves.size(); ++c)
            example.figure(fmt::format("average precision, {}", fashion_classes[c]), curves[c].average_precision());
        example.figure("mean average precision (IoU 0.75)",
                       mean_of(precision_recall(found, test.objects, 0.75, classes)));
        // Random boxes with random classes score nearly zero.
        example.figure("mean average precision (IoU 0.5)", mean_of(curves), {.at_least = 0.85, .brief_at_least = 0.3});
    });
}
