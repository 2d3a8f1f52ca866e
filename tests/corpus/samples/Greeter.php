<?php

class Greeter
{
    private $name;

    public function __construct($name)
    {
        $this->name = $name;
    }

    public function greet($loud)
    {
        if ($loud) {
            return strtoupper("hello " . $this->name);
        }
        return "hello " . $this->name;
    }
}
