import { Module } from "../nn/index.ts";

/** A text decoder beside the towers of a multimodal model, where checkpoints have both: at `model.language_model`. */
export class InnerText<Body extends Module> extends Module {
  language_model: Body;

  constructor(language_model: Body) {
    super();
    this.language_model = language_model;
  }
}
