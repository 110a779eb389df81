// Runs one task of the Vercel AI SDK against a server, and prints what came of it as JSON.
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import {
  experimental_generateSpeech as generateSpeech,
  experimental_transcribe as transcribe,
  generateText,
  Output,
  stepCountIs,
  streamText,
  tool,
} from "ai";
import { readFileSync } from "node:fs";
import { z } from "zod";

const { task, provider, baseURL, apiKey, prompt, sound, shape } = JSON.parse(readFileSync(0, "utf8"));
const openai = createOpenAI({ baseURL, apiKey });
const compatible = createOpenAICompatible({
  name: "engine",
  baseURL,
  apiKey,
  supportsStructuredOutputs: true,
});
const model = {
  chat: openai.chat("local-engine"),
  responses: openai("local-engine"),
  compatible: compatible("local-engine"),
}[provider];

// What a schema may be: a union, formats, a tuple, what holds others of its own kind.
const Member = z.object({ name: z.string(), get children() { return z.array(Member); } });
const shapes = {
  union: z.object({
    shape: z.discriminatedUnion("kind", [
      z.object({ kind: z.literal("circle"), radius: z.number() }),
      z.object({ kind: z.literal("square"), side: z.number().int().positive() }),
    ]),
    id: z.union([z.string(), z.number()]).nullable(),
  }),
  formats: z.object({
    mail: z.email(), page: z.url(), host: z.ipv6(), day: z.iso.date(), at: z.iso.datetime(),
    span: z.iso.duration(), id: z.uuid(), data: z.base64(),
  }),
  tuple: z.object({
    pair: z.tuple([z.string(), z.number()]),
    more: z.tuple([z.boolean()], z.number()),
    counts: z.record(z.string(), z.number().int()),
  }),
  recursive: Member,
};

const tasks = {
  async text() {
    const { text, usage } = await generateText({ model, prompt });
    return { text, tokens: usage.outputTokens };
  },
  async stream() {
    const { textStream } = streamText({ model, prompt });
    let text = "";
    for await (const delta of textStream) text += delta;
    return { text };
  },
  async tool() {
    const cities = [];
    const weather = tool({
      description: "The weather in a city",
      inputSchema: z.object({ city: z.string() }),
      execute: async ({ city }) => (cities.push(city), "sunny"),
    });
    const { text } = await generateText({
      model, prompt, tools: { weather }, stopWhen: stepCountIs(3),
    });
    return { text, cities };
  },
  async nested() {
    const orders = [];
    const order = tool({
      description: "Order pizzas for a customer",
      inputSchema: z.object({
        customer: z.object({ name: z.string(), zip: z.string().regex(/^\d{5}$/).nullable() }),
        items: z.array(
          z.object({ pizza: z.enum(["margherita", "salami"]), count: z.int().min(1).max(9) }),
        ).min(1),
      }),
      execute: async (asked) => (orders.push(asked), { minutes: 20 }),
    });
    const { fullStream } = streamText({
      model, prompt, tools: { order }, stopWhen: stepCountIs(2),
    });
    let text = "";
    for await (const part of fullStream) {
      if (part.type === "error") throw part.error;
      if (part.type === "text-delta") text += part.text;
    }
    return { text, orders };
  },
  async abort() {
    const stop = new AbortController();
    const { fullStream } = streamText({ model, prompt, abortSignal: stop.signal });
    const seen = [];
    for await (const { type } of fullStream) {
      seen.push(type);
      if (type === "text-delta") stop.abort();
    }
    const { text } = await generateText({ model, prompt: "What is the capital of France?" });
    return { seen, text };
  },
  async refused() {
    try {
      return await generateText({ model, prompt });
    } catch (error) {
      return { status: error.statusCode, said: error.message, retried: error.isRetryable };
    }
  },
  async shape() {  // which the SDK holds the answer to
    const schema = shapes[shape];
    const { output } = await generateText({ model, prompt, output: Output.object({ schema }) });
    return output;
  },
  async object() {
    const schema = z.object({ name: z.string(), country: z.string() });
    const { output } = await generateText({ model, prompt, output: Output.object({ schema }) });
    return output;
  },
  async hear() {
    const file = { type: "file", mediaType: "audio/wav", data: Buffer.from(sound, "base64") };
    const { text } = await generateText({ model, messages: [{ role: "user", content: [file] }] });
    return { text };
  },
  async speech() {
    const { audio } = await generateSpeech({
      model: openai.speech("tts-1"), text: prompt, voice: "coral", outputFormat: "wav", speed: 1,
    });
    const { text, segments, language } = await transcribe({
      model: openai.transcription("whisper-1"),
      audio: audio.uint8Array,
      providerOptions: { openai: { timestampGranularities: ["word"] } },
    });
    return { text, words: segments.length, language, mediaType: audio.mediaType };
  },
};

console.log(JSON.stringify(await tasks[task]()));
